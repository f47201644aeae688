/** Horizontal bars whose parts are percents of the width, so that they stretch without distortion. */
import { formatBytes } from '../quantity.ts';
import { html, type Markup } from './markup.ts';

export interface BarPart {
  /** A class of the style sheet that fills it. */
  readonly look: 'once' | 'repeated' | 'other' | 'unseen' | 'saved';
  readonly name: string;
  readonly bytes: number;
}

/** `parts` side by side on a bar that is `wholeBytes` long. */
export function barSvg(parts: readonly BarPart[], wholeBytes: number): Markup {
  let x = 0;
  const rects = parts.map(({ look, name, bytes }) => {
    const width = wholeBytes === 0 ? 0 : (bytes / wholeBytes) * 100;
    const rect = html`<rect class="${look}" x="${percent(x)}" width="${percent(width)}" height="100%"><title>${name}: ${formatBytes(bytes)}</title></rect>`;
    x += width;
    return rect;
  });
  const label = parts.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', ');
  return html`<svg class="bar" width="100%" role="img" aria-label="${label}">${rects}</svg>`;
}

function percent(value: number): string {
  return `${Math.round(value * 100) / 100}%`;
}

export function legendItem(look: BarPart['look'], label: Markup): Markup {
  return html`<li><svg class="key" width="14" height="14" aria-hidden="true"><rect class="${look}" width="14" height="14"/></svg> ${label}</li>`;
}
