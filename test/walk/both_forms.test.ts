/**
 * What a thousand random address spaces look like is the same whether hugetlb is walked in its own
 * way, as Linux 6.18 does, or like everything else. `PTSHARE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as mm from '../../src/mm/index.ts';
import {
  type ProcHost,
  type ProcProcess,
  pagemapOf,
  renderNumaMaps,
  renderSmaps,
  renderSmapsRollup,
} from '../../src/procfs/index.ts';
import { newSeed } from '../seed.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { RandomSpace } from './random_space.ts';

const SPACES = 1000;
const PAGE = 4096;
const { LEGACY, UNIFIED } = mm.WalkForm;
/** More pages of a VMA are not asked of mincore(2). */
const RESIDENT_MAX = 4 * 512;

function hostOf(machine: mm.Machine, walkForm: mm.WalkForm): ProcHost {
  const nameOf = ({ id }: mm.Inode): ReturnType<ProcHost['nameOf']> => ({
    device: '00:01',
    inode: String(id),
    path: `/file-${id}`,
  });
  return { machine, processes: [], walkForm, nameOf };
}

/** Everything that files of /proc and mincore(2) say of an address space. */
function looked(machine: mm.Machine, space: mm.Mm, form: mm.WalkForm): Record<string, string> {
  const host = hostOf(machine, form);
  const process: ProcProcess = { pid: 1, parent: 0, name: 'one', mm: space, cpu: 0 };
  const pagemap = pagemapOf(machine, space, form);
  const extents = [...pagemap.extents()];
  return {
    smaps: renderSmaps(host, process),
    rollup: renderSmapsRollup(host, process),
    numa_maps: renderNumaMaps(host, process),
    extents: JSON.stringify(extents),
    pagemap: extents
      .map(({ start, end }) => {
        const words = new Uint32Array(2 * (end - start));
        pagemap.read(start, words);
        return words.join();
      })
      .join(';'),
    mincore: space.vmas
      .all()
      .map(({ start, end }) => residentOf(machine, space, start, end, form))
      .join(';'),
  };
}

function residentOf(
  machine: mm.Machine,
  space: mm.Mm,
  start: number,
  end: number,
  form: mm.WalkForm,
): string {
  const resident = new Uint8Array(Math.min(end - start, RESIDENT_MAX));
  const task = { machine, cpu: 0, mm: space };
  const length = resident.length * PAGE;
  assert.equal(mm.run(mm.mincore(task, start * PAGE, length, resident, form)), 0);
  return resident.join('');
}

/** Every entry that a walk of the whole address space shows. */
function walked(machine: mm.Machine, space: mm.Mm, form: mm.WalkForm): Leaf[] {
  const found: Leaf[] = [];
  const ops = mm.leafOps<Leaf[]>(function* note({ task, state }, slot, level, page) {
    yield mm.reading(task.machine.objects.entry(slot));
    if (!mm.isNoneAt(task.machine, slot)) state.push({ slot, level, start: page });
  });
  const task = { machine, cpu: 0, mm: space };
  mm.run(mm.mmapReadLock(machine, 0, space.id));
  assert.equal(mm.run(mm.walkPageRange(task, 0, space.layout.taskSize, ops, found, form)), 0);
  mm.run(mm.mmapReadUnlock(machine, 0, space.id));
  return found;
}

test('both forms say the same of a thousand random address spaces', (context) => {
  const first = newSeed();
  context.diagnostic(`PTSHARE_SEED=${first}`);
  const seen = new Map<string, number>();
  let spaces = 0;
  for (let seed = first; spaces < SPACES; seed++) {
    const world = new RandomSpace(seed);
    for (const space of world.spaces) {
      const where = `PTSHARE_SEED=${seed}, mm ${space.id}`;
      const leaves = leavesOf(world.machine, space);
      for (const form of [LEGACY, UNIFIED]) {
        assert.deepEqual(walked(world.machine, space, form), leaves, `${where}, ${form}`);
      }
      const legacy = looked(world.machine, space, LEGACY);
      const unified = looked(world.machine, space, UNIFIED);
      for (const [file, text] of Object.entries(legacy)) {
        if (text !== unified[file]) assert.fail(`${where}: ${file}`);
      }
      for (const kind of kindsOf(world.machine, leaves)) {
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
      spaces++;
    }
    world.finish();
    mm.audit(world.machine);
    assert.equal(mm.violationOf(world.machine), undefined, `PTSHARE_SEED=${seed}`);
  }
  context.diagnostic(`${spaces} address spaces with ${JSON.stringify(Object.fromEntries(seen))}`);
  for (const kind of KINDS) assert.ok((seen.get(kind) ?? 0) > 10, `there was ${kind}`);
});

const KINDS = [
  'hugetlb',
  'a shared table',
  'THP',
  'swap',
  'a guard',
  'a marker of hugetlb',
  'a huge page on the move',
  'a small page on the move',
  'PROT_NONE',
];

function kindsOf(machine: mm.Machine, leaves: readonly Leaf[]): Set<string> {
  return new Set(
    leaves.flatMap(({ slot, level }) =>
      mm.isMappedAt(machine, slot, level)
        ? mappedKinds(machine, slot, level)
        : softKind(machine, slot, level),
    ),
  );
}

function mappedKinds(machine: mm.Machine, slot: number, level: number): string[] {
  const kinds = mm.isPresentAt(machine, slot) ? [] : ['PROT_NONE'];
  if (level === 0) return kinds;
  const head = mm.headOf(machine, mm.mappedFrameAt(machine, slot, level));
  kinds.push(mm.isHugetlbFolio(machine, head) ? 'hugetlb' : 'THP');
  const isShared = machine.tableShares[Math.floor(slot / machine.tableEntries)]! > 0;
  return isShared ? [...kinds, 'a shared table'] : kinds;
}

function softKind(machine: mm.Machine, slot: number, level: number): string {
  const kind = mm.softKindAt(machine, slot);
  if (kind === mm.SoftKind.SWAP) return 'swap';
  if (kind === mm.SoftKind.MIGRATION) return `a ${level > 0 ? 'huge' : 'small'} page on the move`;
  if (level > 0) return 'a marker of hugetlb';
  return (mm.softValueAt(machine, slot) & mm.Marker.GUARD) === 0 ? 'a marker' : 'a guard';
}
