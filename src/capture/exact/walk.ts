/**
 * The real page tables of every process, read from the kernel's memory: what `/proc` lets one
 * derive, this sees, empty tables and tables shared between processes included.
 *
 * Nothing is locked, so tables may come and go during the walk. Each address space says whether its
 * own count of tables was the same before and after.
 */
import { type AddressSpace, listAddressSpaces } from './address_spaces.ts';
import { ENTRIES, frameOf, isNone, isTable, LEVELS, USER_ROOT_ENTRIES } from './entries.ts';
import { type KernelReader, pointerAt } from './kernel_reader.ts';
import { listNodes } from './lists.ts';
import { PageStructs } from './page_structs.ts';

/** Pages that one entry of a table spans, by level. */
const PAGES_PER_ENTRY = [1, ENTRIES, ENTRIES ** 2, ENTRIES ** 3] as const;

/** A table below the root. */
export interface WalkedTable {
  /** 0 is a PTE table, 1 a PMD table, 2 a PUD table. */
  readonly level: number;
  /** Physical frame: the same in two address spaces where they share the table. */
  readonly frame: number;
  /** The first page number that it maps, of 36 bits: addresses of the kernel have no sign here. */
  readonly start: number;
  /** Entries that are not none; 0 is an empty table. */
  readonly used: number;
  /** Of these, entries that do not point to a table: pages of any size, swapped ones, markers. */
  readonly leaves: number;
}

export interface WalkedMm extends AddressSpace {
  /** Below the root, level by level from above, each level by address. */
  readonly tables: readonly WalkedTable[];
  /** Frames of the PTE tables kept in reserve for its anonymous huge pages. */
  readonly deposited: readonly number[];
  /** `mm->pgtables_bytes` after the walk: what VmPTE shows, in bytes. */
  readonly pgtablesBytes: number;
  /** Whether `pgtables_bytes` was the same before and after. */
  readonly stable: boolean;
}

export interface WalkedHost {
  readonly mms: readonly WalkedMm[];
  /** Tables of the kernel's own half, which all roots share; some stand in several places. */
  readonly kernel: readonly WalkedTable[];
}

/** @throws ExactModeUnavailable if this kernel's structures differ too much */
export function walkTables(reader: KernelReader): WalkedHost {
  const pages = new PageStructs(reader);
  const mms: WalkedMm[] = [];
  for (const space of listAddressSpaces(reader, pages)) {
    const before = readCounter(reader, space);
    const tables = walkTree(reader, space.rootFrame, 0, USER_ROOT_ENTRIES);
    const deposited = listDeposits(reader, pages, tables);
    const after = readCounter(reader, space);
    if (after === undefined) continue;
    mms.push({ ...space, tables, deposited, pgtablesBytes: after, stable: before === after });
  }
  const kernel = walkTree(reader, pages.ownRootFrame, USER_ROOT_ENTRIES, ENTRIES);
  return { mms, kernel };
}

/** Level by level from the root down, each by address; `from` and `to` are entries of the root. */
function walkTree(
  reader: KernelReader,
  rootFrame: number,
  from: number,
  to: number,
): readonly WalkedTable[] {
  const tables: WalkedTable[][] = [];
  let below: Reference[] = [];
  reader.readFrames([rootFrame], (words) => {
    if (words !== undefined) readEntries(words, 0, LEVELS - 1, from, to, below);
  });
  for (let level = LEVELS - 2; level >= 0; level--) {
    const at = below;
    below = [];
    const found: WalkedTable[] = [];
    reader.readFrames(
      at.map(({ frame }) => frame),
      (words, index) => {
        if (words === undefined) return;
        const { frame, start } = at[index]!;
        const next = below.length;
        const used = readEntries(words, start, level, 0, ENTRIES, below);
        found.push({ level, frame, start, used, leaves: used - (below.length - next) });
      },
    );
    tables.push(found);
  }
  return tables.flat();
}

interface Reference {
  readonly frame: number;
  readonly start: number;
}

/** Appends what entries `from` to `to` point to; returns how many entries are not none. */
function readEntries(
  words: Uint32Array,
  start: number,
  level: number,
  from: number,
  to: number,
  below: Reference[],
): number {
  const span = PAGES_PER_ENTRY[level]!;
  let used = 0;
  for (let entry = from; entry < to; entry++) {
    const low = words[entry * 2]!;
    const high = words[entry * 2 + 1]!;
    if (isNone(low, high)) continue;
    used++;
    if (level > 0 && isTable(low)) {
      below.push({ frame: frameOf(low, high), start: start + entry * span });
    }
  }
  return used;
}

/**
 * Reserved PTE tables hang on the PMD table whose huge pages they are for, as a circle of
 * `struct page`s.
 *
 * @source Linux mm/pgtable-generic.c pgtable_trans_huge_deposit()
 */
function listDeposits(
  reader: KernelReader,
  pages: PageStructs,
  tables: readonly WalkedTable[],
): number[] {
  const firstAt = BigInt(reader.btf.offsetOf('ptdesc', 'pmd_huge_pte'));
  const linkAt = BigInt(reader.btf.offsetOf('page', 'lru'));
  const withHugePages = tables.filter(({ level, leaves }) => level === 1 && leaves > 0);
  const circles: bigint[] = [];
  reader.read(
    withHugePages.map(({ frame }) => pages.addressOf(frame) + firstAt),
    8,
    (words) => {
      if (words !== undefined) circles.push(pointerAt(words, 0));
    },
  );
  return (
    circles
      .filter((first) => pages.frameOf(first) !== undefined)
      // No circle: this table was another one's by the time it was looked at.
      .flatMap((first) => listNodes(reader, first + linkAt, ENTRIES) ?? [])
      .map((node) => pages.frameOf(node - linkAt)!)
  );
}

/** `pgtables_bytes`; `undefined` if this mm_struct is another one's by now. */
function readCounter(reader: KernelReader, space: AddressSpace): number | undefined {
  const rootAt = reader.btf.offsetOf('mm_struct', 'pgd');
  const counterAt = reader.btf.offsetOf('mm_struct', 'pgtables_bytes');
  let counter: number | undefined;
  reader.read([space.mm], Math.max(rootAt, counterAt) + 8, (words) => {
    if (words === undefined) return;
    if (reader.frameOf(pointerAt(words, rootAt)) !== space.rootFrame) return;
    counter = Number(pointerAt(words, counterAt));
  });
  return counter;
}
