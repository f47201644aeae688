/**
 * The report as one HTML file: no script, nothing fetched, so that it can be mailed, archived and
 * opened anywhere. The content security policy says so to the browser.
 */
import { bestSentence, compositionOf, costSentence, repeatedSentence } from '../headline.ts';
import { formatBytes, formatTime } from '../quantity.ts';
import type { HostReport } from '../schema.ts';
import { type BarPart, barSvg, legendItem } from './bars.ts';
import { html, type Markup, raw } from './markup.ts';
import { groupPicture, objectPicture } from './pictures.ts';
import {
  adviceList,
  designList,
  exactnessList,
  groupTable,
  objectTable,
  processTable,
} from './sections.ts';
import { STYLE, STYLE_HASH } from './style.ts';

export function renderHostHtml(report: HostReport): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Page tables of ${report.hostname}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${hatching()}
${header(report)}
<main>
<section><h2>Who pays, and for what</h2>
<ul class="legend">${legendItem('repeated', html`tables that exist elsewhere too`)}${legendItem('once', html`one of each`)}${legendItem('other', html`not of a process or a mapped object`)}</ul>
<div class="pair">${groupPicture(report)}${objectPicture(report)}</div>
</section>
<section><h2>Designs side by side</h2>
${designList(report.designs)}</section>
<section><h2>What to do</h2>
${adviceList(report)}</section>
<section><h2>In numbers</h2>
<div class="pair">
<div>${groupTable(report)}${objectTable(report)}</div>
<div>${processTable(report)}</div>
</div>
</section>
<section><h2>How exact this is</h2>
${exactnessList(report)}</section>
</main>
</body>
</html>
`.text;
}

/** The content security policy of a page that needs nothing but its style. */
export function policy(): string {
  return `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;
}

/** The pattern that marks tables which exist elsewhere too, whatever colours can be told apart. */
function hatching(): Markup {
  return html`<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="8" height="8"/><rect class="hatch-line" width="2.4" height="8"/></pattern></defs></svg>`;
}

function header(report: HostReport): Markup {
  const { hostname, kernel, takenAt } = report;
  const composition = compositionOf(report);
  const parts: BarPart[] = [
    { look: 'repeated', name: 'the same again', bytes: composition.repeatedBytes },
    { look: 'once', name: 'one of each', bytes: composition.onceBytes },
    { look: 'other', name: 'kernel', bytes: composition.kernelBytes },
    { look: 'unseen', name: 'not seen', bytes: composition.elsewhereBytes },
  ];
  const shown = parts.filter(({ bytes }) => bytes > 0);
  const whole = shown.reduce((sum, { bytes }) => sum + bytes, 0);
  return html`<header>
<p class="place"><bdi>${hostname}</bdi>, Linux ${kernel.release} ${kernel.machine}, ${formatTime(takenAt)}</p>
<h1>${costSentence(report)}</h1>
<p class="lead"><strong>${repeatedSentence(report)}.</strong> ${bestSentence(report)}.</p>
${barSvg(shown, whole)}
<ul class="legend">${shown.map(({ look, name, bytes }) =>
    legendItem(look, html`${name} <b>${formatBytes(bytes)}</b>`),
  )}</ul>
</header>
`;
}
