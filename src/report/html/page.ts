/** The report as one HTML file. */
import { bestSentence, compositionOf, costSentence, repeatedSentence } from '../headline.ts';
import { formatBytes, formatTime } from '../quantity.ts';
import type { HostReport } from '../schema.ts';
import { type BarPart, barSvg, legendItem } from './bars.ts';
import { html, type Markup } from './markup.ts';
import { groupPicture, objectPicture } from './pictures.ts';
import {
  adviceList,
  designList,
  exactnessList,
  groupTable,
  objectTable,
  processTable,
} from './sections.ts';
import { hatching, pageOf } from './shell.ts';

export function renderHostHtml(report: HostReport): string {
  return pageOf(
    `Page tables of ${report.hostname}`,
    html`${hatching()}
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
</main>`,
  );
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
