/** What designs cost in the engine, for a terminal. */

import { printable } from '../printable.ts';
import { counted, formatBytes } from '../quantity.ts';
import type { Canvas } from '../text/canvas.ts';
import { wrap } from '../text/fit.ts';
import { table } from '../text/table.ts';
import type { DesignCostEntry, EngineCost } from './cost_schema.ts';
import { readingOf, totalOf } from './cost_totals.ts';

/** @param isWhole whether the engine has run the size that was asked for */
export function costLines(cost: EngineCost, isWhole: boolean, canvas: Canvas): string[] {
  const { designs, notRun } = cost;
  if (designs.length === 0) return refusalLines(notRun, canvas);
  const column = (value: (design: DesignCostEntry) => string): string[] => designs.map(value);
  const figure = (value: (design: DesignCostEntry) => number): string[] =>
    column((design) => value(design).toLocaleString('en'));
  const right = 'right' as const;
  return [
    ...paragraph(introduction(cost, isWhole), canvas),
    '',
    ...table(canvas, [
      { title: 'Design', align: 'left', cells: column(({ id }) => id), widthMin: 12 },
      { title: 'Tables', align: right, cells: column((design) => tablesCell(design)) },
      { title: 'Faults', align: right, cells: figure((design) => totalOf(design, 'faults')) },
      {
        title: 'Entries',
        align: right,
        cells: figure((design) => totalOf(design, 'entriesWritten')),
        dropOrder: 4,
      },
      { title: 'Flushes', align: right, cells: figure((design) => totalOf(design, 'flushes')) },
      { title: 'IPIs', align: right, cells: figure((design) => totalOf(design, 'ipis')) },
      { title: 'Locks', align: right, cells: figure((design) => totalOf(design, 'locks')) },
      {
        title: 'TLB misses',
        align: right,
        cells: figure((design) => readingOf(design).tlbMisses),
        dropOrder: 2,
      },
      {
        title: 'Walk refs',
        align: right,
        cells: figure((design) => readingOf(design).walkReferences),
        dropOrder: 3,
      },
    ]),
    '',
    ...payerLines(cost, canvas),
    ...refusalLines(notRun, canvas),
  ];
}

function refusalLines(notRun: EngineCost['notRun'], canvas: Canvas): string[] {
  const reasons = new Set(notRun.map(({ why }) => why));
  return [...reasons].flatMap((reason) => {
    const ids = notRun.filter(({ why }) => why === reason).map(({ id }) => id);
    return paragraph(`Not run in the engine: ${ids.join(', ')}. ${printable(reason)}.`, canvas);
  });
}

function paragraph(text: string, { width, symbols }: Canvas): string[] {
  return wrap(text, width - 2, symbols.ellipsis).map((line) => `  ${line}`);
}

function introduction({ agrees, processes, bytes }: EngineCost, isWhole: boolean): string {
  const size = `${counted(processes, 'process')} and ${formatBytes(bytes)}`;
  const what = isWhole
    ? 'Counted while the engine ran all of it'
    : `Too large for the engine: counted with ${size}`;
  const verdict = agrees
    ? 'Its tables are those of the shapes above, to the byte'
    : 'ERROR: its tables are not those of the shapes';
  return `${what}. ${verdict}. TLB misses and walk references are those of reading everything once.`;
}

function tablesCell({ tableBytes, shapeBytes }: DesignCostEntry): string {
  const tables = formatBytes(tableBytes);
  const isSame = shapeBytes === undefined || shapeBytes === tableBytes;
  return isSame ? tables : `${tables}, not ${formatBytes(shapeBytes)}`;
}

/** Who is charged: the first process, which was there before the others, and what is left to those. */
function payerLines({ designs }: EngineCost, canvas: Canvas): string[] {
  if (!designs.some(({ payers }) => payers.length > 1)) return [];
  const first = (value: keyof DesignCostEntry['payers'][number]): string[] =>
    designs.map(({ payers }) => formatBytes(Number(payers[0]?.[value] ?? 0)));
  const last = (value: keyof DesignCostEntry['payers'][number]): string[] =>
    designs.map(({ payers }) => formatBytes(Number(payers.at(-1)?.[value] ?? 0)));
  const right = 'right' as const;
  return [
    ...paragraph('Who is charged: the first process, and the last:', canvas),
    '',
    ...table(canvas, [
      { title: 'Design', align: 'left', cells: designs.map(({ id }) => id), widthMin: 12 },
      { title: 'VmPTE first', align: right, cells: first('vmPteBytes') },
      { title: 'last', align: right, cells: last('vmPteBytes') },
      { title: 'RSS first', align: right, cells: first('rssBytes'), dropOrder: 1 },
      { title: 'last', align: right, cells: last('rssBytes'), dropOrder: 1 },
      { title: 'memcg first', align: right, cells: first('memcgTableBytes') },
      { title: 'last', align: right, cells: last('memcgTableBytes') },
      {
        title: 'PageTables',
        align: right,
        cells: designs.map(({ pageTablesBytes }) => formatBytes(pageTablesBytes)),
      },
    ]),
    '',
  ];
}
