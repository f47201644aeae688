/**
 * What every page has around its content. No script, nothing fetched, so that it can be mailed,
 * archived and opened anywhere; the content security policy says so to the browser.
 */
import { html, type Markup, raw } from './markup.ts';
import { STYLE, STYLE_HASH } from './style.ts';

export function pageOf(title: string, body: Markup): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}

function policy(): string {
  return `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;
}

/** The pattern that marks tables which exist elsewhere too, whatever colours can be told apart. */
export function hatching(): Markup {
  return html`<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="8" height="8"/><rect class="hatch-line" width="2.4" height="8"/></pattern></defs></svg>`;
}
