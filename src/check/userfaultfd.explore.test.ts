/** Faults that wait for userfaultfd, against who resolves them: nobody sleeps for good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById, vpn } from '../arch/index.ts';
import {
  Fault,
  load,
  Machine,
  madvise,
  mmap,
  newProcess,
  readUserfaultfd,
  run,
  store,
  type Task,
  taskOn,
  UffdMode,
  type Userfaultfd,
  uffdioApi,
  uffdioCopy,
  uffdioRegister,
  uffdioWriteprotect,
  userfaultfd,
  violate,
} from '../mm/index.ts';
import { explore, MachineScenario, type Program } from './index.ts';

const PAGE = vpn(5 * 512);
const SOURCE = PAGE + 512;
const PAGE_BYTES = 4096;
const CONTENT = 7;
const MADV_DONTNEED = 4;

/** Two pages of private memory, the second with what the first is to be filled with. */
function watched(mode: number): { readonly machine: Machine; readonly task: Task } {
  const format = formatById('x86_64-4level')!;
  const machine = new Machine({ format, cpus: 2, mms: 2, frames: 12, tables: 16, vmas: 32 });
  run(newProcess(machine, 0));
  const task = taskOn(machine, 0, 0);
  for (const page of [PAGE, SOURCE]) {
    const call = { prot: 3, flags: 0x32, file: undefined, offset: 0, length: PAGE_BYTES };
    run(mmap(task, { ...call, address: page * PAGE_BYTES }));
  }
  run(store(task, SOURCE, CONTENT));
  const uffd = userfaultfd(task, 0) as Userfaultfd;
  uffdioApi(task, uffd, 0xaa, 0);
  run(uffdioRegister(task, uffd, PAGE * PAGE_BYTES, PAGE_BYTES, mode));
  machine.mmCpus.fill(0);
  return { machine, task };
}

const known = ({ machine }: Pick<Task, 'machine'>): Userfaultfd => machine.userfaultfds.all()[0]!;

function* fill(task: Task) {
  const request = { start: PAGE * PAGE_BYTES, length: PAGE_BYTES, mode: 0 };
  return yield* uffdioCopy(task, known(task), { ...request, source: SOURCE * PAGE_BYTES });
}

const loading: Program = {
  name: 'load',
  *run(task) {
    const word = yield* load(task, PAGE);
    if (word !== CONTENT) violate(task.machine, 'P-DATA');
  },
};
const copying: Program = { name: 'UFFDIO_COPY', run: fill };

function assertClean(machine: Machine, programs: readonly Program[]): void {
  const result = explore(new MachineScenario(machine, programs));
  assert.equal(result.finding, undefined);
  assert.ok(result.isComplete);
}

test('a load of a page that is missing waits until it is filled, whoever is faster', () => {
  assertClean(watched(UffdMode.MISSING).machine, [loading, copying]);
});

test('without anybody who fills it, it waits for good', () => {
  const { machine } = watched(UffdMode.MISSING);
  const { finding } = explore(new MachineScenario(machine, [loading]));
  assert.equal(finding?.property, 'deadlock');
});

test('a page that is filled and goes again is asked for again', () => {
  const discarding: Program = {
    name: 'UFFDIO_COPY, MADV_DONTNEED, UFFDIO_COPY',
    *run(task) {
      yield* fill(task);
      yield* madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV_DONTNEED);
      yield* fill(task);
    },
  };
  assertClean(watched(UffdMode.MISSING).machine, [loading, discarding]);
});

test('a write to what is protected waits until the protection goes', () => {
  const { machine, task } = watched(UffdMode.WP);
  run(store(task, PAGE, 1));
  run(uffdioWriteprotect(task, known(task), PAGE * PAGE_BYTES, PAGE_BYTES, 1));
  machine.mmCpus.fill(0);
  const resolving: Program = {
    name: 'UFFDIO_WRITEPROTECT',
    run: (its) => uffdioWriteprotect(its, known(its), PAGE * PAGE_BYTES, PAGE_BYTES, 0),
  };
  const programs = [{ name: 'store', run: (its: Task) => store(its, PAGE, 2) }, resolving];
  assertClean(machine, programs);
});

test('run alone, a fault that would wait says so, and is in the queue', () => {
  const { task } = watched(UffdMode.MISSING);
  assert.equal(run(store(task, PAGE, 1)), -1 - Fault.WAIT);
  const message = { kind: 'pagefault', page: PAGE, flags: 1, thread: 0 };
  assert.deepEqual(run(readUserfaultfd(task, known(task))), message);
  assert.equal(run(readUserfaultfd(task, known(task))), undefined);
  assert.equal(run(fill(task)).result, 0);
  assert.equal(known(task).faults.length, 0);
  assert.equal(run(load(task, PAGE)), CONTENT);
});
