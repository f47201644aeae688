/** Draws the ruler: times, and how many obligations are open. */
import { scaleLinear } from 'd3-scale';
import type { Timeline } from '../../scene/timeline.ts';
import type { Surface } from '../ui/canvas.tsx';
import type { Span } from '../ui/viewport.ts';
import { lowerBound } from './lanes.ts';

const TICKS = 14;
const BARS = 14;

export function drawRuler(surface: Surface, timeline: Timeline, span: Span): void {
  const { context, width, height, color } = surface;
  const scale = scaleLinear([span.from, span.to], [0, width]);
  drawOpen(surface, timeline, span, scale);
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const unit = timeline.clock === 'steps' ? 'step' : 'ns';
  let free = 0;
  for (const event of scale.ticks(TICKS).filter(Number.isInteger)) {
    const x = scale(event);
    context.fillStyle = color('line');
    context.fillRect(x, 0, 1, height);
    const text = `${unit} ${timeline.times[event] ?? timeline.times.at(-1) ?? 0}`;
    if (x < free) continue;
    context.fillStyle = color('soft');
    context.fillText(text, x + 4, (height - BARS) / 2);
    free = x + context.measureText(text).width + 12;
  }
}

/** A step for each change, as high as there are obligations. */
function drawOpen(
  { context, width, height, color }: Surface,
  { open }: Timeline,
  span: Span,
  scale: (event: number) => number,
): void {
  const first = Math.max(lowerBound(open.event, span.from) - 1, 0);
  const last = lowerBound(open.event, span.to + 1);
  const step = Math.max(1, Math.floor((last - first) / width));
  let most = 1;
  for (let at = first; at < last; at += step) most = Math.max(most, open.value[at]!);
  context.fillStyle = color('ledger');
  context.globalAlpha = 0.7;
  for (let at = first; at < last; at += step) {
    const x = scale(open.event[at]!);
    const right = at + step < open.event.length ? scale(open.event[at + step]!) : width;
    const high = (open.value[at]! / most) * BARS;
    context.fillRect(x, height - high, Math.max(right - x, 1), high);
  }
  context.globalAlpha = 1;
}
