/** Recorded accesses under designs, for a terminal. */
import { printable } from '../printable.ts';
import { counted, formatBytes, formatPercent, percentOf } from '../quantity.ts';
import { type Canvas, canvasOf, type TextOptions } from '../text/canvas.ts';
import { wrap } from '../text/fit.ts';
import { section } from '../text/render.ts';
import { table } from '../text/table.ts';
import type { AccessComparison, AccessCostEntry } from './schema.ts';

/** Text that ends in a newline. */
export function renderAccessComparison(comparison: AccessComparison, options: TextOptions): string {
  const canvas = canvasOf(options);
  const { designs, notRun } = comparison;
  const lines = [
    ...headLines(comparison, canvas),
    ...section(canvas, 'TLBs and walks under each design', designTable(designs, canvas)),
    ...notRun.flatMap(({ id, why }) => paragraph(`${id} is not run: ${why}.`, canvas)),
  ];
  return `${lines.join('\n')}\n`;
}

function paragraph(text: string, { width, symbols }: Canvas): string[] {
  return wrap(text, width, symbols.ellipsis);
}

function headLines({ processes, common }: AccessComparison, canvas: Canvas): string[] {
  const accesses = processes.reduce((sum, process) => sum + process.accesses, 0);
  const names = [...new Set(processes.map(({ name }) => printable(name)))].join(', ');
  const shared =
    common === 'all'
      ? 'Everything is one object that all map, as a shared segment is'
      : 'Page tables that none stores to are of one object that all map; the others are private';
  return [
    ...paragraph(`ptshare compare: memory accesses of ${names}`, canvas).map(canvas.colors.dim),
    '',
    ...paragraph(
      `${counted(processes.length, 'process')}, ${accesses.toLocaleString('en')} accesses, in turns on one CPU with the TLBs of Skylake.`,
      canvas,
    ),
    ...paragraph(`${shared}.`, canvas).map(canvas.colors.dim),
  ];
}

function designTable(designs: readonly AccessCostEntry[], canvas: Canvas): string[] {
  const figure = (title: string, value: (design: AccessCostEntry) => number, dropOrder = 0) => ({
    title,
    align: 'right' as const,
    cells: designs.map((design) => value(design).toLocaleString('en')),
    dropOrder,
  });
  const levels = designs[0]?.reachBytes.length ?? 0;
  return table(canvas, [
    { title: 'Design', align: 'left', cells: designs.map(({ id }) => id), widthMin: 12 },
    ...Array.from({ length: levels }, (_, level) => ({
      title: `L${level + 1} hits`,
      align: 'right' as const,
      cells: designs.map((design) => hitsCell(design, level)),
      dropOrder: level === 0 ? 0 : 2,
    })),
    figure('Misses', ({ misses }) => misses),
    figure('Filled 4K', (design) => fillsOf(design, 2 ** 12), 1),
    figure('2M', (design) => fillsOf(design, 2 ** 21), 1),
    figure('Walk refs', ({ walkReferences }) => walkReferences),
    figure('Cached', ({ walkCacheHits }) => walkCacheHits, 4),
    figure('Faults', ({ faults }) => faults),
    {
      title: 'Reach',
      align: 'right',
      cells: designs.map(({ reachBytes }) => formatBytes(reachBytes.at(-1) ?? 0)),
      dropOrder: 3,
    },
    {
      title: 'Tables',
      align: 'right',
      cells: designs.map(({ tableBytes }) => formatBytes(tableBytes)),
    },
  ]);
}

function hitsCell({ accesses, sizes }: AccessCostEntry, level: number): string {
  const hits = sizes.reduce((sum, size) => sum + size.hits[level]!, 0);
  return formatPercent(percentOf(hits, accesses));
}

export function fillsOf({ sizes }: AccessCostEntry, wanted: number): number {
  return sizes.find(({ pageBytes }) => pageBytes === wanted)?.fills ?? 0;
}
