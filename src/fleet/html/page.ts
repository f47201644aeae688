/** The answer about a fleet as one HTML file, as that of a host: no script, nothing fetched. */
import { barSvg, legendItem } from '../../report/html/bars.ts';
import { html, type Markup } from '../../report/html/markup.ts';
import { hatching, pageOf } from '../../report/html/shell.ts';
import { tableOf } from '../../report/html/table.ts';
import { formatBytes, formatPercent, percentOf } from '../../report/quantity.ts';
import {
  fleetBestSentence,
  fleetCostSentence,
  fleetExactnessSentence,
  fleetRepeatedSentence,
  fleetSavingPhrase,
  measureName,
  measureValue,
  placeSentence,
  spreadSentence,
  trendSentence,
} from '../headline.ts';
import type { FleetReport } from '../schema.ts';

const ROWS_MAX = 200;

export function renderFleetHtml(report: FleetReport): string {
  return pageOf(
    'Page tables of a fleet',
    html`${hatching()}
${header(report)}
<main>
<section><h2>Who pays, and for what</h2>
<div class="pair"><div>${softwareTable(report)}</div><div>${segmentTable(report)}</div></div>
</section>
<section><h2>Designs side by side</h2>
${designList(report)}</section>
<section><h2>Hosts</h2>
${hostTable(report)}${outlierTable(report)}</section>
${trendSection(report)}
<section><h2>How exact this is</h2>
<ul>
<li>${fleetExactnessSentence(report)}</li>
${report.refused.map(({ file, why }) => html`<li>Not used: <bdi>${file}</bdi>: ${why}</li>\n`)}</ul>
</section>
</main>`,
  );
}

function header(report: FleetReport): Markup {
  const { pageTablesBytes, duplicateBytes, tableBytes, kernelBytes } = report.cost;
  const parts = [
    { look: 'repeated', name: 'the same again', bytes: duplicateBytes },
    { look: 'once', name: 'one of each', bytes: Math.max(tableBytes - duplicateBytes, 0) },
    { look: 'other', name: 'kernels', bytes: kernelBytes },
    {
      look: 'unseen',
      name: 'not seen',
      bytes: Math.max(pageTablesBytes - tableBytes - kernelBytes, 0),
    },
  ] as const;
  const shown = parts.filter(({ bytes }) => bytes > 0);
  const whole = shown.reduce((sum, { bytes }) => sum + bytes, 0);
  return html`<header>
<p class="place">${placeSentence(report)}</p>
<h1>${fleetCostSentence(report)}</h1>
<p class="lead"><strong>${fleetRepeatedSentence(report)}.</strong> ${fleetBestSentence(report)}. ${spreadSentence(report)}.</p>
${barSvg(shown, whole)}
<ul class="legend">${shown.map(({ look, name, bytes }) => legendItem(look, html`${name} <b>${formatBytes(bytes)}</b>`))}</ul>
</header>
`;
}

function softwareTable({ software, cost }: FleetReport): Markup {
  return tableOf(
    'Software',
    software,
    [
      { title: 'Group', kind: 'name', cell: ({ name }) => name },
      { title: 'Hosts', kind: 'number', cell: ({ hosts }) => hosts },
      { title: 'Processes', kind: 'number', cell: ({ processes }) => processes },
      { title: 'Tables', kind: 'number', cell: ({ tableBytes }) => formatBytes(tableBytes) },
      {
        title: 'The same again',
        kind: 'number',
        cell: ({ duplicateBytes }) => formatBytes(duplicateBytes),
      },
      {
        title: 'Share',
        kind: 'number',
        cell: ({ tableBytes }) => formatPercent(percentOf(tableBytes, cost.pageTablesBytes)),
      },
    ],
    ROWS_MAX,
  );
}

function segmentTable({ segments }: FleetReport): Markup {
  return tableOf(
    'Mapped objects',
    segments,
    [
      { title: 'Object', kind: 'name', cell: ({ name }) => name },
      { title: 'Kind', kind: 'word', cell: ({ kind }) => kind },
      { title: 'Hosts', kind: 'number', cell: ({ hosts }) => hosts },
      { title: 'Mappers', kind: 'number', cell: ({ mappers }) => mappers },
      { title: 'Tables', kind: 'number', cell: ({ tableBytes }) => formatBytes(tableBytes) },
      {
        title: 'The same again',
        kind: 'number',
        cell: ({ duplicateBytes }) => formatBytes(duplicateBytes),
      },
    ],
    ROWS_MAX,
  );
}

function designList({ designs }: FleetReport): Markup {
  const longest = Math.max(
    1,
    ...designs.map(({ beforeBytes, tableBytes }) => Math.max(beforeBytes, tableBytes)),
  );
  return html`<ol class="designs">
${designs.map((design) => {
  const saves = Math.max(design.savesBytes, 0);
  const bar = barSvg(
    [
      { look: 'once', name: 'Takes', bytes: design.tableBytes },
      ...(saves > 0 ? [{ look: 'saved' as const, name: 'Saves', bytes: saves }] : []),
    ],
    longest,
  );
  const places = design.hosts
    .slice(0, 5)
    .map(({ name }, i) => html`${i > 0 ? ', ' : ''}<bdi>${name}</bdi>`);
  return html`<li>
<p class="design"><span><b>${design.id}</b> ${design.title}</span> ${
    design.savesBytes === 0
      ? undefined
      : html`<span class="saving">saves <b>${fleetSavingPhrase(design)}</b> ${formatPercent(percentOf(design.savesBytes, design.beforeBytes))}</span>`
  } <span class="takes">${formatBytes(design.tableBytes)}</span></p>
${bar}
${design.bestOn === 0 ? undefined : html`<p>The best one on ${design.bestOn} of the hosts. It saves most on ${places}.</p>`}
</li>
`;
})}</ol>
`;
}

function hostTable({ costliest }: FleetReport): Markup {
  return tableOf(
    'Costliest hosts',
    costliest,
    [
      { title: 'Host', kind: 'name', cell: ({ hostname }) => hostname },
      {
        title: 'Tables',
        kind: 'number',
        cell: ({ pageTablesBytes }) => formatBytes(pageTablesBytes),
      },
      {
        title: 'Of memory',
        kind: 'number',
        cell: ({ percentOfMemory }) => formatPercent(percentOfMemory),
      },
      {
        title: 'The same again',
        kind: 'number',
        cell: ({ duplicateBytes }) => formatBytes(duplicateBytes),
      },
      { title: 'Payer', kind: 'name', cell: ({ payer }) => payer },
      { title: 'Best design', kind: 'word', cell: ({ bestDesign }) => bestDesign ?? '-' },
      { title: 'Saves', kind: 'number', cell: ({ bestSavesBytes }) => formatBytes(bestSavesBytes) },
    ],
    ROWS_MAX,
  );
}

function outlierTable({ outliers }: FleetReport): Markup | undefined {
  if (outliers.length === 0) return undefined;
  return tableOf('Unlike the others', outliers, [
    { title: 'Host', kind: 'name', cell: ({ hostname }) => hostname },
    { title: 'In', kind: 'word', cell: ({ measure }) => measureName(measure) },
    { title: 'Here', kind: 'number', cell: ({ measure, value }) => measureValue(measure, value) },
    {
      title: 'Median',
      kind: 'number',
      cell: ({ measure, median }) => measureValue(measure, median),
    },
    { title: 'Score', kind: 'number', cell: ({ score }) => score.toFixed(1) },
    { title: 'Payer', kind: 'name', cell: ({ payer }) => payer },
  ]);
}

function trendSection(report: FleetReport): Markup | undefined {
  const sentence = trendSentence(report);
  if (sentence === undefined) return undefined;
  const { days } = report.trend;
  return html`<section><h2>From day to day</h2>
<p>${sentence}.</p>
${tableOf(
  'Days',
  days,
  [
    { title: 'Day', kind: 'word', cell: ({ day }) => day },
    { title: 'Hosts', kind: 'number', cell: ({ hosts }) => hosts },
    {
      title: 'Tables',
      kind: 'number',
      cell: ({ pageTablesBytes }) => formatBytes(pageTablesBytes),
    },
    {
      title: 'Of memory',
      kind: 'number',
      cell: ({ pageTablesBytes, memoryBytes }) =>
        formatPercent(percentOf(pageTablesBytes, memoryBytes)),
    },
  ],
  ROWS_MAX,
)}</section>`;
}
