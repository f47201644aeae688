/** What a script did and what came of it, for a terminal. */
import { printable } from '../../report/printable.ts';
import { counted, formatBytes } from '../../report/quantity.ts';
import { type Canvas, canvasOf, type TextOptions } from '../../report/text/canvas.ts';
import { wrap } from '../../report/text/fit.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { resultText } from '../calls/spec.ts';
import type { Outcome, Step } from '../outcome.ts';
import type { AddressSpaceView, MachineView } from '../view/view.ts';
import { kindsOf, legendName, paintOf } from './kinds.ts';
import { tableLines } from './table_tree.ts';
import { vmaLines } from './vma_table.ts';

type Part = Extract<Outcome, { kind: 'shown' }>['part'];

/** Of the lines after the first of a call. */
const INDENT = '    ';

/** One call, as strace(1) shows it, and what it changed. Text that ends in a newline. */
export function renderStep(step: Step, options: TextOptions): string {
  const { outcome } = step;
  if (outcome.kind === 'shown') return renderView(outcome.view, options, outcome.part);
  if (outcome.kind === 'text') return outcome.lines.map((line) => `${printable(line)}\n`).join('');
  const canvas = canvasOf(options);
  const { colors, symbols, width } = canvas;
  const pid = step.pid === 1 ? '' : `[pid ${step.pid}] `;
  const text = printable(`${pid}${step.call} ${resultText(outcome)!}`);
  const lines = wrap(text, width - INDENT.length, symbols.ellipsis);
  const change = changeText(step);
  const room = width - (lines.length === 1 ? 0 : INDENT.length) - lines.at(-1)!.length;
  const isBad = outcome.kind !== 'returned';
  const painted = lines.map((line) => (isBad ? colors.red(line) : line));
  if (change !== '' && change.length + 2 <= room)
    painted.push(`${painted.pop()!}  ${colors.dim(change)}`);
  else if (change !== '') painted.push(colors.dim(change));
  return painted.map((line, index) => `${index === 0 ? '' : INDENT}${line}\n`).join('');
}

/** `+512 pages, +3 tables`: what the process has in memory now, compared with before. */
function changeText({ pages, tables }: Step): string {
  const signed = (count: number, noun: string): string[] =>
    count === 0 ? [] : [`${count > 0 ? '+' : '-'}${counted(Math.abs(count), noun)}`];
  return [...signed(pages, 'page'), ...signed(tables, 'table')].join(', ');
}

/** All address spaces, drawn. Text that ends in a newline. */
export function renderView(view: MachineView, options: TextOptions, part: Part = 'all'): string {
  const canvas = canvasOf(options);
  const lines = view.addressSpaces.flatMap((space) => [
    '',
    ...headLines(space, canvas),
    ...(part === 'tables' ? [] : ['', ...vmaLines(space, canvas)]),
    ...(part === 'vmas' ? [] : ['', ...tableLines(space, canvas)]),
  ]);
  if (part !== 'vmas') lines.push(...legendLines(view, canvas));
  if (view.violation !== undefined) {
    lines.push('', canvas.colors.red(`Property violated: ${view.violation}`));
  }
  return `${lines.join('\n')}\n\n`;
}

/** What the cells of tables mean, and the colours of what is in them. */
function legendLines(view: MachineView, canvas: Canvas): string[] {
  const { colors, symbols, width } = canvas;
  const { levels, empty } = symbols;
  const cells = `Entries: ${empty} unused, ${levels[0]} to ${levels.at(-1)} how many of a cell are used`;
  const lines = wrap(cells, width - 2, symbols.ellipsis).map((line) => colors.dim(line));
  const kinds = kindsOf(view);
  if (colors.isColorSupported && kinds.length > 0) {
    lines.push(kinds.map((kind) => paintOf(canvas, kind)(legendName(kind))).join('  '));
  }
  return ['', ...lines.map((line) => `  ${line}`)];
}

function headLines(space: AddressSpaceView, { colors, symbols, width }: Canvas): string[] {
  const { pids, cpus, vmas, resident, tables } = space;
  const size = vmas.reduce((sum, { start, end }) => sum + end - start, 0);
  const { anon, file, shmem, swapped } = resident;
  const kinds = { anon, file, shmem };
  const inMemory = Object.entries(kinds)
    .filter(([, pages]) => pages > 0)
    .map(([kind, pages]) => `${kind} ${formatBytes(pages * PAGE_BYTES)}`);
  const sum = [
    `${counted(vmas.length, 'VMA')}, ${formatBytes(size)} mapped`,
    `${formatBytes((anon + file + shmem) * PAGE_BYTES)} in memory${inMemory.length > 1 ? ` (${inMemory.join(', ')})` : ''}`,
    ...(swapped > 0 ? [`${formatBytes(swapped * PAGE_BYTES)} swapped`] : []),
    `${counted(tables, 'table')} below the PGD: VmPTE ${formatBytes(tables * PAGE_BYTES)}`,
  ];
  const who = pids.length === 1 ? `Process ${pids[0]}` : `Processes ${pids.join(', ')}`;
  const where = [...new Set(cpus)];
  const title = `${who} on CPU ${where.join(', ')}`;
  return [
    colors.bold(title),
    ...wrap(sum.join('; '), width - 2, symbols.ellipsis).map((line) => `  ${line}`),
  ];
}
