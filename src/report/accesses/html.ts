/** Recorded accesses under designs as one HTML file: no script, nothing fetched. */
import { html } from '../html/markup.ts';
import { pageOf } from '../html/shell.ts';
import { tableOf } from '../html/table.ts';
import { formatBytes } from '../quantity.ts';
import type { AccessComparison, AccessCostEntry } from './schema.ts';
import { fillsOf } from './text.ts';

export function renderAccessComparisonHtml(comparison: AccessComparison): string {
  const { processes, designs, common } = comparison;
  const figure = (title: string, value: (design: AccessCostEntry) => number) => ({
    title,
    kind: 'number' as const,
    cell: (design: AccessCostEntry) => value(design).toLocaleString('en'),
  });
  const size = (title: string, value: (design: AccessCostEntry) => number) => ({
    ...figure(title, value),
    cell: (design: AccessCostEntry) => formatBytes(value(design)),
  });
  type Process = (typeof processes)[number];
  return pageOf(
    'Memory accesses under designs for page tables',
    html`<header>
<h1>Memory accesses under designs for page tables</h1>
<p>${processes.length} processes in turns on one CPU with the TLBs of Skylake.
${common === 'all' ? 'Everything is one object that all map.' : 'Page tables that none stores to are of one object that all map.'}</p>
</header>
<main>
<section><h2>TLBs and walks</h2>
${tableOf('Under each design', designs, [
  { title: 'Design', kind: 'word', cell: ({ id }: AccessCostEntry) => id },
  figure('Accesses', ({ accesses }) => accesses),
  figure('Misses', ({ misses }) => misses),
  figure('Pages of 4 KiB filled in', (design) => fillsOf(design, 2 ** 12)),
  figure('Of 2 MiB', (design) => fillsOf(design, 2 ** 21)),
  figure('Walk references', ({ walkReferences }) => walkReferences),
  figure('Shortened walks', ({ walkCacheHits }) => walkCacheHits),
  figure('Faults', ({ faults }) => faults),
  size('Reach', ({ reachBytes }) => reachBytes.at(-1) ?? 0),
  size('Tables', ({ tableBytes }) => tableBytes),
])}</section>
<section><h2>Processes</h2>
${tableOf('Traces', processes, [
  { title: 'Process', kind: 'name', cell: ({ name }: Process) => name },
  { title: 'Accesses', kind: 'number', cell: ({ accesses }: Process) => accesses },
  { title: 'Pages', kind: 'number', cell: ({ pages }: Process) => pages },
  { title: 'Instructions', kind: 'number', cell: ({ fetches }: Process) => fetches },
])}</section>
</main>`,
  );
}
