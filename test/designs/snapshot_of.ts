/** What a capture would see of a machine: the mappings, and which of their tables exist. */
import type { Machine, Mm, Vma } from '../../src/mm/index.ts';
import { type HostSnapshot, RunKind } from '../../src/snapshot/records.ts';
import type { Part, RunRow } from '../../src/whatif/rewrite.ts';
import { host, object, mm as record } from '../fixtures/hand_made_host.ts';
import type { Build } from './file_world.ts';

const SLOT = 512;

export function snapshotOf(build: Build, machine: Machine): HostSnapshot {
  const inodes = machine.inodes.all();
  const contents = new Map<string, number>();
  const mms = machine.mms.all().map((mm) => {
    const parts = mm.vmas.all().map((vma): Part => {
      const shared = (vma.flags & build.VM.MAYSHARE) !== 0;
      const index = vma.file === undefined ? -1 : inodes.indexOf(vma.file.inode);
      return {
        vma: {
          start: vma.start,
          end: vma.end,
          protection: vma.flags & build.VM_ACCESS,
          shared,
          offset: index < 0 ? 0 : vma.pgoff,
          object: index,
          label: '',
        },
        rows: rowsOf(build, machine, mm, vma, contents),
      };
    });
    return record(100 + mm.id, 0, parts);
  });
  const objects = inodes.map((inode) => ({
    ...object('memfd', `${inode.id}`),
    inode: `${inode.id}`,
  }));
  return host(objects, mms);
}

/** One run for each table that `vma` has a part in. */
function rowsOf(
  build: Build,
  machine: Machine,
  mm: Mm,
  vma: Vma,
  contents: Map<string, number>,
): RunRow[] {
  const rows: RunRow[] = [];
  for (let slot = Math.floor(vma.start / SLOT); slot * SLOT < vma.end; slot++) {
    const table = pteTable(build, machine, mm, slot * SLOT);
    if (table === undefined) continue;
    const [from, to] = [Math.max(vma.start, slot * SLOT), Math.min(vma.end, (slot + 1) * SLOT)];
    let pages = 0;
    for (let page = from; page < to; page++) {
      if (!build.isNoneAt(machine, table * machine.tableEntries + (page % SLOT))) pages++;
    }
    const content = vma.file === undefined ? contentOf(build, machine, table, contents) : 0;
    rows.push({ slot, count: 1, kind: pages > 0 ? RunKind.PTE : RunKind.EMPTY, pages, content });
  }
  return rows;
}

function pteTable(build: Build, machine: Machine, mm: Mm, page: number): number | undefined {
  let table = mm.root;
  for (let level = machine.format.levels - 1; level > 0; level--) {
    const slot = table * machine.tableEntries + machine.format.index(page as never, level);
    if (!build.isTableAt(machine, slot, level)) return undefined;
    table = build.tableAt(machine, slot, level);
  }
  return table;
}

/** A number that tables with the same frames at the same places have in common, and no others. */
function contentOf(
  build: Build,
  machine: Machine,
  table: number,
  contents: Map<string, number>,
): number {
  const first = table * machine.tableEntries;
  const frames = Array.from({ length: SLOT }, (_, index) =>
    build.isPresentAt(machine, first + index) ? build.frameAt(machine, first + index) : -1,
  );
  const key = frames.join();
  // Runs count up from slot to slot: numbers of different tables are kept apart.
  const known = contents.get(key) ?? 1 + 2 * contents.size;
  contents.set(key, known);
  return known;
}
