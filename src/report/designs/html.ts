/** A comparison of designs as one HTML file: no script, nothing fetched. */
import { html } from '../html/markup.ts';
import { designList } from '../html/sections.ts';
import { pageOf } from '../html/shell.ts';
import { tableOf } from '../html/table.ts';
import { formatBytes } from '../quantity.ts';
import type { DesignComparison } from './schema.ts';

export function renderDesignComparisonHtml(comparison: DesignComparison): string {
  const { workload, processes, bytes, addressSpaces, pageTablesBytes, designs } = comparison;
  return pageOf(
    `Designs for page tables: ${workload.title}`,
    html`<header>
<h1>${workload.title}</h1>
<p>${processes} ${workload.processesAre}; ${workload.bytesAre}: ${formatBytes(bytes)}.
Today ${addressSpaces} processes pay <b>${formatBytes(pageTablesBytes)}</b> for page tables.</p>
<p>${workload.story}</p>
</header>
<main>
<section><h2>Designs side by side</h2>
${designList(designs)}</section>
${sweepSection(comparison)}
</main>`,
  );
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
