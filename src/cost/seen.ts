/** What a capture would see of a machine: the mappings, and which of their tables exist. */
import type { Machine, Mm, Vma } from '../mm/index.ts';
import {
  type HostSnapshot,
  type MappedObject,
  type Mm as MmRecord,
  RunKind,
} from '../snapshot/records.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { type Part, type RunRow, withParts } from '../whatif/rewrite.ts';
import { hostOf } from '../workload/host.ts';
import { SLOT_PAGES } from './population.ts';
import type { Engine } from './setup.ts';

const GIB_SLOTS = 512;

/** Called when no operation is under way. @param commOf the name of a process, by its address space */
export function snapshotOf(
  build: Engine,
  machine: Machine,
  commOf: (mm: Mm) => string = () => 'process',
): HostSnapshot {
  const inodes = machine.inodes.all();
  const contents = new Map<string, number>();
  const mms = machine.mms.all().map((mm) => {
    const parts = mm.vmas.all().map((vma): Part => {
      const index = vma.file === undefined ? -1 : inodes.indexOf(vma.file.inode);
      return {
        vma: {
          start: vma.start,
          end: vma.end,
          protection: vma.flags & build.VM_ACCESS,
          shared: (vma.flags & build.VM.MAYSHARE) !== 0,
          offset: index < 0 ? 0 : vma.pgoff,
          object: index,
          label: '',
        },
        rows: rowsOf(build, machine, mm, vma, contents),
      };
    });
    return withParts(recordOf(mm, commOf(mm)), parts);
  });
  const objects = inodes.map(
    ({ id, hugetlb }): MappedObject => ({
      kind: hugetlb === undefined ? 'memfd' : 'hugetlb',
      name: `/memfd:${id}`,
      device: '00:01',
      inode: String(id),
      deleted: true,
      pageBytes: (hugetlb?.hstate.pages ?? 1) * PAGE_BYTES,
    }),
  );
  return hostOf('machine', objects, mms);
}

function recordOf({ id, tables }: Mm, comm: string): MmRecord {
  const empty: Omit<MmRecord, 'vmas' | 'runs'> = {
    pid: 100 + id,
    sharers: [],
    parentPid: 1,
    uid: 1000,
    comm,
    commandLine: comm,
    cgroup: '',
    visibility: 'tables',
    vmPtePages: tables,
    stable: true,
  };
  return empty as MmRecord;
}

/** One run for each table, or huge page, that `vma` has a part in. */
function rowsOf(
  build: Engine,
  machine: Machine,
  mm: Mm,
  vma: Vma,
  contents: Map<string, number>,
): RunRow[] {
  const rows: RunRow[] = [];
  for (let slot = Math.floor(vma.start / SLOT_PAGES); slot * SLOT_PAGES < vma.end; slot++) {
    const { table, level } = lowestTable(build, machine, mm, slot * SLOT_PAGES);
    if (level > 1) {
      slot += missingSlots(slot, level);
      continue;
    }
    if (level === 1) {
      const entry = table * machine.tableEntries + (slot % machine.tableEntries);
      const kind = hugeKind(vma);
      if (build.isPresentAt(machine, entry)) {
        rows.push({ slot, count: 1, kind, pages: SLOT_PAGES, content: 0 });
      }
      continue;
    }
    const from = Math.max(vma.start, slot * SLOT_PAGES);
    const to = Math.min(vma.end, (slot + 1) * SLOT_PAGES);
    let pages = 0;
    for (let page = from; page < to; page++) {
      if (!build.isNoneAt(machine, table * machine.tableEntries + (page % SLOT_PAGES))) pages++;
    }
    const content = vma.file === undefined ? contentOf(build, machine, table, contents) : 0;
    rows.push({ slot, count: 1, kind: pages > 0 ? RunKind.PTE : RunKind.EMPTY, pages, content });
  }
  return rows;
}

/** Slots to the last one of what a missing table of `level` - 1 would span. */
function missingSlots(slot: number, level: number): number {
  const span = GIB_SLOTS ** (level - 1);
  return span - 1 - (slot % span);
}

function hugeKind(vma: Vma): RunKind {
  if (vma.file === undefined) return RunKind.THP_ANON;
  return vma.file.inode.hugetlb === undefined ? RunKind.THP_FILE : RunKind.HUGETLB_PMD;
}

/** Where the walk for `page` ends. */
function lowestTable(
  build: Engine,
  machine: Machine,
  mm: Mm,
  page: number,
): { readonly table: number; readonly level: number } {
  let table = mm.root;
  for (let level = machine.format.levels - 1; level > 0; level--) {
    const slot = table * machine.tableEntries + machine.format.index(page as never, level);
    if (!build.isTableAt(machine, slot, level)) return { table, level };
    table = build.tableAt(machine, slot, level);
  }
  return { table, level: 0 };
}

/** A number that tables with the same frames at the same places have in common, and no others. */
function contentOf(
  build: Engine,
  machine: Machine,
  table: number,
  contents: Map<string, number>,
): number {
  const first = table * machine.tableEntries;
  const frames = Array.from({ length: SLOT_PAGES }, (_, index) =>
    build.isPresentAt(machine, first + index) ? build.frameAt(machine, first + index) : -1,
  );
  const key = frames.join();
  // Runs count up from slot to slot: numbers of different tables are kept apart.
  const known = contents.get(key) ?? 1 + 2 * contents.size;
  contents.set(key, known);
  return known;
}
