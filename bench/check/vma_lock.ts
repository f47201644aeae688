/**
 * The protocol of the per-VMA lock: faults hold it by a count of references and two sequence numbers,
 * writers under the mmap lock wait for them. The same in TypeScript and in Promela, step by step.
 *
 * @source mm/mmap_lock.c lock_vma_under_rcu(), __vma_start_write() (Linux 6.18)
 */
import { identical, type Scenario, type Task, World } from '../../src/check/index.ts';

/** VMA_LOCK_OFFSET: a writer waits, or has the lock. */
const WRITER = 64;

/**
 * Faults that read what they guard twice, and writers that change it.
 *
 * @param isBroken writers do not wait for the faults that hold the lock
 */
export function vmaLock(readers: number, writers: number, isBroken = false): Scenario {
  const world = new World();
  const mmap = world.mutex('mmap_lock');
  const references = world.word('vm_refcnt', 1);
  const vmaSequence = world.word('vm_lock_seq');
  const mmSequence = world.word('mm_lock_seq', 1);
  const pages = world.word('pages');
  function* fault(): Task {
    const before = yield* vmaSequence.read();
    if (before === (yield* mmSequence.read())) return;
    for (;;) {
      const count = yield* references.read();
      if (count === 0 || count >= WRITER) return;
      if (yield* references.cas(count, count + 1)) break;
    }
    const sequence = yield* vmaSequence.read();
    if (sequence !== (yield* mmSequence.read())) {
      const first = yield* pages.read();
      if (first !== (yield* pages.read())) world.violate('changed under the lock');
    }
    yield* references.fetchAdd(-1);
  }
  function* munmap(): Task {
    yield* mmap.lock();
    yield* references.fetchAdd(WRITER);
    if (!isBroken) yield* references.until((count) => count === WRITER + 1);
    const sequence = yield* mmSequence.read();
    yield* vmaSequence.write(sequence);
    yield* references.fetchAdd(-WRITER);
    yield* pages.fetchAdd(1);
    yield* mmSequence.write(sequence + 1);
    yield* mmap.unlock();
  }
  return world.scenario([identical(writers, munmap), identical(readers, fault)]);
}

export const vmaLockModel = (readers: number, writers: number, isBroken = false): string => `
bit mmap; byte references = 1; byte vmaSequence; byte mmSequence = 1; byte pages;
active [${writers}] proctype munmap() {
  byte sequence;
  atomic { mmap == 0 -> mmap = 1 };
  references = references + ${WRITER};
  ${isBroken ? 'skip' : `references == ${WRITER + 1}`};
  sequence = mmSequence;
  vmaSequence = sequence;
  references = references - ${WRITER};
  pages = pages + 1;
  mmSequence = sequence + 1;
  mmap = 0
}
active [${readers}] proctype fault() {
  byte one; byte other; bit isSet;
  one = vmaSequence;
  other = mmSequence;
  if
  :: one == other -> goto end
  :: else
  fi;
  do
  :: one = references;
     if
     :: one == 0 || one >= ${WRITER} -> goto end
     :: else
     fi;
     d_step { isSet = (references == one); if :: isSet -> references = one + 1 :: else fi };
     if
     :: isSet -> break
     :: else
     fi
  od;
  one = vmaSequence;
  other = mmSequence;
  if
  :: one != other ->
     one = pages;
     other = pages;
     assert(one == other)
  :: else
  fi;
  references = references - 1;
end: skip
}
`;
