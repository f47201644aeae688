/** RLIMIT_AS and RLIMIT_DATA. The outcomes are those of the same calls on kernel 6.18, in this order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { MAP } from '../../uapi/mman.ts';
import { brk, ENOMEM, mmap, mprotect, mremap, munmap } from '../index.ts';

const START = 16 * TABLE;
const RW = PROT.READ | PROT.WRITE;
const PRIVATE = MAP.PRIVATE | MAP.ANONYMOUS;
const SHARED = MAP.SHARED | MAP.ANONYMOUS;
const MAYMOVE = 1;

/** Calls count in pages; the results are 'ok' or an errno. */
class Limited {
  readonly process = new OneProcess();

  limit(limits: { dataLimit?: number; addressSpaceLimit?: number }): void {
    const { mm } = this.process.task;
    mm.layout = { ...mm.layout, ...limits };
  }

  mmap(page: number, pages: number, prot: number, flags: number): unknown {
    const [address, length] = [page * PAGE_BYTES, pages * PAGE_BYTES];
    const call = { address, length, prot, flags, file: undefined, offset: 0 };
    return ended(this.process.call(mmap(this.process.task, call)));
  }

  mprotect(page: number, pages: number, prot: number): unknown {
    const [address, length] = [page * PAGE_BYTES, pages * PAGE_BYTES];
    return ended(this.process.call(mprotect(this.process.task, address, length, prot)));
  }

  mremap(page: number, oldPages: number, newPages: number): unknown {
    const [address, oldLength] = [page * PAGE_BYTES, oldPages * PAGE_BYTES];
    const newLength = newPages * PAGE_BYTES;
    const call = { address, oldLength, newLength, flags: MAYMOVE, newAddress: 0 };
    return ended(this.process.call(mremap(this.process.task, call)));
  }

  munmap(page: number, pages: number): unknown {
    const [address, length] = [page * PAGE_BYTES, pages * PAGE_BYTES];
    return ended(this.process.call(munmap(this.process.task, address, length)));
  }
}

const ended = (result: number): unknown => (result < 0 ? result : 'ok');

test('RLIMIT_DATA: what is private and writable is counted, beside what a call replaces', () => {
  const limited = new Limited();
  limited.mmap(START, 64, PROT.NONE, PRIVATE | MAP.FIXED);
  limited.limit({ dataLimit: 16 * PAGE_BYTES + 100 });
  assert.equal(limited.mmap(START, 16, RW, PRIVATE | MAP.FIXED), 'ok');
  // It replaces a page, though not one that was counted.
  assert.equal(limited.mmap(START + 16, 1, RW, PRIVATE | MAP.FIXED), 'ok');
  assert.equal(limited.mmap(0, 1, RW, PRIVATE), ENOMEM);
  assert.equal(limited.mmap(0, 1, PROT.READ, PRIVATE), 'ok');
  assert.equal(limited.mmap(0, 1, RW, SHARED), 'ok');
  assert.equal(limited.mmap(0, 1, RW, PRIVATE | MAP.GROWSDOWN), 'ok');
  assert.equal(limited.mprotect(START + 20, 1, RW), ENOMEM);
  assert.equal(limited.mmap(START, 16, RW, PRIVATE | MAP.FIXED), ENOMEM);
  assert.equal(limited.mremap(START, 16, 17), ENOMEM);
  const { task } = limited.process;
  const before = task.mm.brkBytes;
  assert.equal(limited.process.call(brk(task, before + PAGE_BYTES)), before);
  assert.equal(limited.munmap(START, 2), 'ok');
  assert.equal(limited.mprotect(START + 20, 2, RW), ENOMEM);
  assert.equal(limited.mprotect(START + 24, 1, RW), 'ok');
});

test('RLIMIT_AS: all that is mapped is counted', () => {
  const limited = new Limited();
  limited.limit({ addressSpaceLimit: 16 * PAGE_BYTES });
  assert.equal(limited.mmap(START, 17, PROT.NONE, PRIVATE | MAP.FIXED), ENOMEM);
  assert.equal(limited.mmap(START, 16, PROT.NONE, PRIVATE | MAP.FIXED), 'ok');
  assert.equal(limited.mmap(0, 1, RW, SHARED), ENOMEM);
  assert.equal(limited.mmap(START, 16, RW, SHARED | MAP.FIXED), 'ok');
  assert.equal(limited.mprotect(START, 16, PROT.READ), 'ok');
  assert.equal(limited.mremap(START, 16, 17), ENOMEM);
  assert.equal(limited.munmap(START, 1), 'ok');
  assert.equal(limited.mmap(0, 1, RW, SHARED), 'ok');
});
