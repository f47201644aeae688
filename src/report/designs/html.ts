/** A comparison of designs as one HTML file: no script, nothing fetched. */
import { html } from '../html/markup.ts';
import { designList } from '../html/sections.ts';
import { pageOf } from '../html/shell.ts';
import { tableOf } from '../html/table.ts';
import { formatBytes } from '../quantity.ts';
import { afterSection } from './after_html.ts';
import type { DesignCostEntry } from './cost_schema.ts';
import { readingOf, totalOf } from './cost_totals.ts';
import { type CrowdDesign, crowdFigures, crowdIntroduction } from './crowd_figures.ts';
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
${costSection(comparison)}
${crowdSection(comparison)}
${afterSection(comparison)}
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

function costSection({ engine }: DesignComparison): ReturnType<typeof html> | undefined {
  if (engine === undefined) return undefined;
  const { processes, bytes, agrees, designs, notRun } = engine;
  const figure = (title: string, value: (design: DesignCostEntry) => number) => ({
    title,
    kind: 'number' as const,
    cell: (design: DesignCostEntry) => value(design).toLocaleString('en'),
  });
  const size = (title: string, value: (design: DesignCostEntry) => number) => ({
    ...figure(title, value),
    cell: (design: DesignCostEntry) => formatBytes(value(design)),
  });
  return html`<section><h2>What each costs</h2>
<p>Counted while the engine ran ${processes} processes and ${formatBytes(bytes)}.
${agrees ? 'Its tables are those of the shapes, to the byte.' : html`<b>Error: its tables are not those of the shapes.</b>`}</p>
${tableOf('Counted by the engine', designs, [
  { title: 'Design', kind: 'word', cell: ({ id }: DesignCostEntry) => id },
  size('Tables', ({ tableBytes }) => tableBytes),
  ...(agrees ? [] : [size('By the shapes', ({ shapeBytes = 0 }) => shapeBytes)]),
  figure('Faults', (design) => totalOf(design, 'faults')),
  figure('Entries written', (design) => totalOf(design, 'entriesWritten')),
  figure('Flushes', (design) => totalOf(design, 'flushes')),
  figure('IPIs', (design) => totalOf(design, 'ipis')),
  figure('Locks', (design) => totalOf(design, 'locks')),
  figure('TLB misses of reading all', (design) => readingOf(design).tlbMisses),
  figure('Walk references', (design) => readingOf(design).walkReferences),
  size('PageTables', ({ pageTablesBytes }) => pageTablesBytes),
  size('VmPTE of the last process', ({ payers }) => payers.at(-1)?.vmPteBytes ?? 0),
  size('Tables its memcg pays', ({ payers }) => payers.at(-1)?.memcgTableBytes ?? 0),
])}
${notRun.map(({ id, why }) => html`<p>${id} is not run: ${why}.</p>`)}
</section>`;
}

function crowdSection({ engine }: DesignComparison): ReturnType<typeof html> | undefined {
  const crowd = engine?.crowd;
  if (crowd === undefined) return undefined;
  const phase = (title: string, name: 'touch' | 'exit') => [
    {
      title: `Waiting, ${title}`,
      kind: 'number' as const,
      cell: (design: CrowdDesign) => `${(100 * crowdFigures(design, name).waiting).toFixed(1)}%`,
    },
    {
      title: 'Most of it for',
      kind: 'word' as const,
      cell: (design: CrowdDesign) => crowdFigures(design, name).most,
    },
  ];
  const figure = (title: string, name: 'locks' | 'waits') => ({
    title,
    kind: 'number' as const,
    cell: (design: CrowdDesign) => crowdFigures(design)[name].toLocaleString('en'),
  });
  return html`<section><h2>What they wait for, all at once</h2>
<p>${crowdIntroduction(crowd)}.</p>
${tableOf('Waiting', crowd.designs, [
  { title: 'Design', kind: 'word', cell: ({ id }: CrowdDesign) => id },
  figure('Locks', 'locks'),
  figure('Waits', 'waits'),
  ...phase('touching', 'touch'),
  ...phase('ending', 'exit'),
])}</section>`;
}
