/** All locks of rmap by which anybody may come to an address space. @source mm/vma.c mm_take_all_locks() */
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/**
 * Called under the mmap write lock: no VMA comes or goes. Nobody else takes two locks of a kind in
 * another order, since mm_all_locks_mutex lets one at a time do this.
 */
export function* lockAllLinks({ machine, cpu, mm }: Task): Op<void> {
  yield* lockAll({ machine, cpu }, filesOf(machine, mm), Rank.I_MMAP);
  yield* lockAll({ machine, cpu }, familiesOf(machine, mm), Rank.ANON_VMA);
}

/** Before the mmap lock is dropped. */
export function* unlockAllLinks({ machine, cpu, mm }: Task): Op<void> {
  yield* unlockAll({ machine, cpu }, familiesOf(machine, mm), Rank.ANON_VMA);
  yield* unlockAll({ machine, cpu }, filesOf(machine, mm), Rank.I_MMAP);
}

type Machine = Task['machine'];
type Place = Pick<Task, 'machine' | 'cpu'>;

const filesOf = ({ objects }: Machine, mm: Mm): number[] => [
  ...new Set(
    mm.vmas
      .all()
      .flatMap(({ file }) => (file === undefined ? [] : objects.iMmapLock(file.inode.id))),
  ),
];

const familiesOf = ({ objects }: Machine, mm: Mm): number[] => [
  ...new Set(
    mm.vmas.all().flatMap(({ chain }) => chain.map(({ root }) => objects.anonVmaLock(root.id))),
  ),
];

function* lockAll({ machine, cpu }: Place, locks: readonly number[], rank: Rank): Op<void> {
  for (const [at, wanted] of locks.entries()) {
    if (at === 0) yield* lock(machine, cpu, wanted, rank);
    else yield* lockNested(machine, cpu, wanted, rank);
  }
}

function* unlockAll({ machine, cpu }: Place, locks: readonly number[], rank: Rank): Op<void> {
  for (const [at, held] of [...locks.entries()].reverse()) {
    if (at === 0) yield* unlock(machine, cpu, held, rank);
    else yield* unlockNested(machine, cpu, held);
  }
}
