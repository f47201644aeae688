/** What the kinds of entries are called, and their colours. */
import type { Canvas, Colors } from '../../report/text/canvas.ts';
import { EntryKind, KIND_MASK, SHARED, type TableView } from '../view/tables.ts';
import type { MachineView } from '../view/view.ts';

const NAMES: Readonly<Record<number, string>> = {
  [EntryKind.ANON]: 'anon',
  [EntryKind.FILE]: 'file',
  [EntryKind.SHMEM]: 'shmem',
  [EntryKind.ZERO]: 'zero',
  [EntryKind.SWAPPED]: 'swapped',
  [EntryKind.MARKER]: 'guard',
  [EntryKind.MIGRATION]: 'moving',
};

export function kindName(entry: number): string {
  return NAMES[entry & KIND_MASK]!;
}

export function isPage(entry: number): boolean {
  return (entry & KIND_MASK) > EntryKind.TABLE;
}

/** The colour of an entry; private memory that others map, too, has one of its own. */
export function paintOf({ colors }: Canvas, entry: number): Colors['bold'] {
  switch (entry & KIND_MASK) {
    case EntryKind.ANON:
      return (entry & SHARED) === 0 ? colors.cyan : colors.blue;
    case EntryKind.FILE:
      return colors.green;
    case EntryKind.SHMEM:
      return colors.magenta;
    case EntryKind.ZERO:
      return colors.dim;
    case EntryKind.SWAPPED:
    case EntryKind.MIGRATION:
      return colors.red;
    case EntryKind.MARKER:
      return colors.yellow;
    default:
      return colors.bold;
  }
}

/** `3 tables, 2 huge, 2 deposited`; of the lowest level `510 anon (2 shared), 2 zero`. */
export function contentsOf({ entries, level, deposits }: TableView): string {
  const counts = new Map<number, number>();
  for (const entry of entries) counts.set(entry, (counts.get(entry) ?? 0) + 1);
  const tables = counts.get(EntryKind.TABLE) ?? 0;
  const words = tables === 0 ? [] : [tables === 1 ? '1 table' : `${tables} tables`];
  const pages = Object.keys(NAMES).map((kind) => pagesOf(counts, Number(kind)));
  if (level === 0) words.push(...pages.filter(({ all }) => all > 0).map(pagesText));
  else {
    const huge = pages.reduce((sum, { all }) => sum + all, 0);
    if (huge > 0) words.push(`${huge} huge`);
  }
  if (deposits.length > 0) words.push(`${deposits.length} deposited`);
  return words.length === 0 ? 'nothing' : words.join(', ');
}

interface Pages {
  readonly kind: number;
  readonly all: number;
  readonly shared: number;
}

function pagesOf(counts: ReadonlyMap<number, number>, kind: number): Pages {
  const shared = counts.get(kind | SHARED) ?? 0;
  return { kind, all: (counts.get(kind) ?? 0) + shared, shared };
}

const pagesText = ({ kind, all, shared }: Pages): string =>
  `${all} ${NAMES[kind]!}${shared === 0 ? '' : ` (${shared} shared)`}`;

/** The kinds of pages in all tables, private ones that are shared apart from the others. */
export function kindsOf({ addressSpaces }: MachineView): number[] {
  const kinds = new Set<number>();
  const visit = ({ entries, children }: TableView): void => {
    for (const entry of entries) if (isPage(entry)) kinds.add(legendKind(entry));
    for (const child of children) visit(child);
  };
  for (const { root } of addressSpaces) visit(root);
  return [...kinds].sort((one, other) => one - other);
}

const legendKind = (entry: number): number =>
  (entry & KIND_MASK) === EntryKind.ANON ? entry : entry & KIND_MASK;

export function legendName(kind: number): string {
  return (kind & SHARED) === 0 ? kindName(kind) : `${kindName(kind)}, shared`;
}
