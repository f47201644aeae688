/** The tree of page tables, a table a line: where it is, how full, of what, and who else uses it. */
import { counted, formatBytes } from '../../report/quantity.ts';
import type { Canvas } from '../../report/text/canvas.ts';
import { table } from '../../report/text/table.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { EntryKind, SHARED, type TableView } from '../view/tables.ts';
import type { AddressSpaceView } from '../view/view.ts';
import { type Density, density, paintDensity } from './density.ts';
import { contentsOf, isPage, kindName, paintOf } from './kinds.ts';

interface Row {
  readonly label: string;
  readonly from: string;
  /** Of what has entries. */
  readonly entries: Uint8Array | undefined;
  readonly holds: string;
  /** Other processes that use it. */
  readonly alsoIn: string;
  readonly entry: number;
}

const CELLS = [64, 32, 16, 8] as const;
const HOLDS_WIDTH_MIN = 12;
const GAPS = 10;

export function tableLines(space: AddressSpaceView, canvas: Canvas): string[] {
  const rows = rowsOf(space, canvas);
  const cells = cellsFor(rows, canvas);
  const maps = rows.map(({ entries }) =>
    entries === undefined ? undefined : density(canvas, entries, Math.min(cells, entries.length)),
  );
  const isShared = rows.some(({ alsoIn }) => alsoIn !== '');
  return table(canvas, [
    { title: 'Table', align: 'left', cells: rows.map(({ label }) => label) },
    { title: 'From', align: 'left', cells: rows.map(({ from }) => from), dropOrder: 2 },
    {
      title: 'Entries',
      align: 'left',
      cells: maps.map((map) => map?.text ?? ''),
      paint: (_cell, row) => paintMap(canvas, maps[row]),
    },
    {
      title: 'Holds',
      align: 'left',
      cells: rows.map(({ holds }) => holds),
      widthMin: HOLDS_WIDTH_MIN,
      paint: (cell, row) =>
        maps[row] === undefined ? paintOf(canvas, rows[row]!.entry)(cell) : cell,
    },
    ...(isShared
      ? [{ title: 'Also in', align: 'left', cells: rows.map(({ alsoIn }) => alsoIn) } as const]
      : []),
  ]);
}

function paintMap(canvas: Canvas, map: Density | undefined): string {
  return map === undefined ? '' : paintDensity(canvas, map);
}

/** As many cells for the entries of a table as leave room for the words beside them. */
function cellsFor(rows: readonly Row[], { width }: Canvas): number {
  const widest = (textOf: (row: Row) => string): number =>
    Math.max(...rows.map((row) => textOf(row).length));
  const words =
    widest(({ label }) => label) +
    widest(({ from }) => from) +
    widest(({ holds }) => holds) +
    widest(({ alsoIn }) => alsoIn);
  return CELLS.find((cells) => cells + words + GAPS <= width) ?? CELLS.at(-1)!;
}

/** What hangs below a table: other tables, alike ones together, and huge pages in a row. */
interface Group {
  readonly table: TableView | undefined;
  readonly tables: number;
  /** Of huge pages: of which kind, how many, and what one spans. */
  readonly entry: number;
  readonly pages: number;
  readonly span: number;
  readonly start: number;
}

function rowsOf({ root, pids }: AddressSpaceView, canvas: Canvas): Row[] {
  const levels = root.level;
  const rows: Row[] = [];
  const visit = (view: TableView, count: number, branch: string, below: string): void => {
    rows.push(tableRow(view, count, branch, levels, pids));
    const groups = groupsOf(view);
    const shown = groups.slice(0, canvas.rows);
    const isCut = shown.length < groups.length;
    const { symbols } = canvas;
    for (const [index, group] of shown.entries()) {
      const isLast = index === shown.length - 1 && !isCut;
      const mark = below + (isLast ? symbols.lastBranch : symbols.branch);
      if (group.table === undefined) rows.push(hugeRow(group, mark));
      else visit(group.table, group.tables, mark, below + (isLast ? '  ' : symbols.trunk));
    }
    if (isCut) rows.push(cutRow(groups.slice(canvas.rows), below + symbols.lastBranch));
  };
  visit(root, 1, '', '');
  return rows;
}

const LEVEL_NAMES = ['PTE', 'PMD', 'PUD', 'P4D'] as const;

function tableRow(
  view: TableView,
  count: number,
  branch: string,
  rootLevel: number,
  pids: readonly number[],
): Row {
  const { level, number, start, entries } = view;
  const name = level === rootLevel ? 'PGD' : LEVEL_NAMES[level]!;
  const others = view.pids.filter((pid) => !pids.includes(pid));
  return {
    label: `${branch}${name} #${number}${count === 1 ? '' : ` (+${count - 1})`}`,
    from: hex(start),
    entries,
    holds: count === 1 ? contentsOf(view) : `${contentsOf(view)}, each`,
    alsoIn: others.join(' '),
    entry: 0,
  };
}

function hugeRow({ entry, pages, span, start }: Group, branch: string): Row {
  const size = formatBytes(span * PAGE_BYTES);
  return {
    label: `${branch}${pages} x ${size}`,
    from: hex(start),
    entries: undefined,
    holds: `${kindName(entry)}${(entry & SHARED) === 0 ? '' : ', shared'}`,
    alsoIn: '',
    entry,
  };
}

function cutRow(rest: readonly Group[], branch: string): Row {
  const tables = rest.reduce((sum, group) => sum + group.tables, 0);
  const pages = rest.reduce((sum, group) => sum + group.pages, 0);
  const words = [
    ...(tables > 0 ? [counted(tables, 'more table')] : []),
    ...(pages > 0 ? [counted(pages, 'more huge page')] : []),
  ];
  return {
    label: `${branch}...`,
    from: '',
    entries: undefined,
    holds: words.join(', '),
    alsoIn: '',
    entry: 0,
  };
}

const hex = (page: number): string => (page * PAGE_BYTES).toString(16).padStart(12, '0');

function groupsOf(view: TableView): Group[] {
  const groups: Group[] = [];
  let child = 0;
  view.entries.forEach((entry, index) => {
    const start = view.start + index * view.span;
    const last = groups.at(-1);
    if (entry === EntryKind.TABLE) {
      const below = view.children[child++]!;
      if (last?.table !== undefined && isAlike(last.table, below)) {
        groups[groups.length - 1] = { ...last, tables: last.tables + 1 };
      } else {
        groups.push({ table: below, tables: 1, entry, pages: 0, span: view.span, start });
      }
    } else if (view.level > 0 && isPage(entry)) {
      const isNext = last?.entry === entry && last.start + last.pages * view.span === start;
      if (isNext) groups[groups.length - 1] = { ...last, pages: last.pages + 1 };
      else groups.push({ table: undefined, tables: 0, entry, pages: 1, span: view.span, start });
    }
  });
  return groups;
}

/** Whether two tables of the lowest level would be drawn the same. */
function isAlike(one: TableView, other: TableView): boolean {
  return (
    one.level === 0 &&
    one.pids.length === other.pids.length &&
    one.entries.every((entry, index) => entry === other.entries[index])
  );
}
