/** The states around the last step of a finding, drawn beside each other. */
import type { Fact, Finding } from '../../check/index.ts';
import { printable } from '../../report/printable.ts';
import { counted } from '../../report/quantity.ts';
import type { Canvas } from '../../report/text/canvas.ts';
import { table } from '../../report/text/table.ts';

/** Rows that fit beside a timeline; those that changed, and TLBs, come before others. */
const ROWS_MAX = 20;
const NOTHING = '-';

interface Row {
  readonly of: string;
  readonly before: string;
  readonly after: string;
}

export function stateText(
  canvas: Canvas,
  { before, after }: NonNullable<Finding['state']>,
): string[] {
  const rows = rowsOf(before, after);
  const shown = pick(rows);
  const left = rows.length - shown.length;
  const { bold, dim } = canvas.colors;
  const isChanged = (at: number): boolean => shown[at]!.before !== shown[at]!.after;
  const paint = (cell: string, at: number): string => (isChanged(at) ? bold(cell) : cell);
  return [
    ...table(canvas, [
      {
        title: 'State',
        align: 'left',
        cells: shown.map(({ of }) => of),
        widthMin: 16,
        paint,
      },
      {
        title: 'Before the last step',
        align: 'left',
        cells: shown.map((row) => row.before),
        widthMin: 10,
        paint,
      },
      {
        title: 'Behind it',
        align: 'left',
        cells: shown.map((row, at) => (isChanged(at) ? row.after : '=')),
        widthMin: 10,
        paint,
      },
    ]),
    ...(left > 0 ? [dim(`  and ${counted(left, 'line')} that did not change: see --json`)] : []),
  ];
}

/** In the order of the later state, with what has gone behind it. Two facts may be of one thing. */
function rowsOf(before: readonly Fact[], after: readonly Fact[]): Row[] {
  const [old, now] = [grouped(before), grouped(after)];
  return [...new Set([...now.keys(), ...old.keys()])].map((of) => ({
    of: printable(of),
    before: printable(old.get(of) ?? NOTHING),
    after: printable(now.get(of) ?? NOTHING),
  }));
}

function grouped(facts: readonly Fact[]): Map<string, string> {
  const grouped = new Map<string, string>();
  for (const { of, is } of facts) {
    const known = grouped.get(of);
    grouped.set(of, known === undefined ? is : `${known}; ${is}`);
  }
  return grouped;
}

function pick(rows: readonly Row[]): Row[] {
  const weight = ({ of, before, after }: Row): number =>
    before !== after ? 2 : of.startsWith('TLB') ? 1 : 0;
  const chosen = rows.toSorted((one, other) => weight(other) - weight(one)).slice(0, ROWS_MAX);
  return rows.filter((row) => chosen.includes(row));
}
