/**
 * A generator runs the canonical build of the engine: the operations that `ptshare/check` explores,
 * here one after the other, on two CPUs.
 */
import type { Engine, ScenarioContext } from 'ptshare/script';
import { PAGE_BYTES } from '../../src/uapi/mman.ts';

const PAGES = 600;

export function* scenario({ mm, machine, task, constants }: ScenarioContext<Engine>) {
  const { PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS } = constants;
  const other = mm.taskOn(machine, 1, task.mm.id);
  const address: number = yield* mm.mmap(task, {
    address: 0,
    length: PAGES * PAGE_BYTES,
    prot: PROT_READ | PROT_WRITE,
    flags: MAP_PRIVATE | MAP_ANONYMOUS,
    file: undefined,
    offset: 0,
  });
  const first = address / PAGE_BYTES;
  for (let page = first; page < first + PAGES; page++) yield* mm.store(other, page, page - first);
  // The other CPU may hold translations of these: it is interrupted to flush its TLB.
  yield* mm.munmap(task, address, 100 * PAGE_BYTES);
  const word: number = yield* mm.load(task, first + 100);
  if (word !== 100) throw new Error('A word was lost');
}
