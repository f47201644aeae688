/** A comparison of designs as one HTML file: no script, nothing fetched. */
import { html, raw } from '../html/markup.ts';
import { policy } from '../html/page.ts';
import { designList } from '../html/sections.ts';
import { STYLE } from '../html/style.ts';
import { tableOf } from '../html/table.ts';
import { formatBytes } from '../quantity.ts';
import type { DesignComparison } from './schema.ts';

export function renderDesignComparisonHtml(comparison: DesignComparison): string {
  const { workload, processes, bytes, addressSpaces, pageTablesBytes, designs } = comparison;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Designs for page tables: ${workload.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<h1>${workload.title}</h1>
<p>${processes} ${workload.processesAre}; ${workload.bytesAre}: ${formatBytes(bytes)}.
Today ${addressSpaces} processes pay <b>${formatBytes(pageTablesBytes)}</b> for page tables.</p>
<p>${workload.story}</p>
</header>
<main>
<section><h2>Designs side by side</h2>
${designList(designs)}</section>
${sweepSection(comparison)}
</main>
</body>
</html>
`.text;
}

function sweepSection({ sweep, designs }: DesignComparison): ReturnType<typeof html> | undefined {
  if (sweep.length === 0) return undefined;
  type Point = (typeof sweep)[number];
  return html`<section><h2>At other sizes</h2>
${tableOf('User page tables, roots included', sweep, [
  { title: 'Processes', kind: 'number', cell: (point: Point) => String(point.processes) },
  { title: 'Size', kind: 'number', cell: (point: Point) => formatBytes(point.bytes) },
  ...designs.map(({ id }, index) => ({
    title: id,
    kind: 'number' as const,
    cell: (point: Point) => formatBytes(point.designs[index]!.tableBytes),
  })),
])}</section>`;
}
