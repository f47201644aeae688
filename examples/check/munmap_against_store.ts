/** Two processes share a page; one stores to it while the other unmaps it. */
import { formatById } from 'ptshare/arch';
import { MachineScenario } from 'ptshare/check';
import {
  fork,
  load,
  MAP,
  Machine,
  mmap,
  munmap,
  newProcess,
  PAGE_BYTES,
  PROT_RW,
  run,
  store,
  taskOn,
  violate,
} from 'ptshare/mm';

const ADDRESS = 0x200000;
const PAGE = ADDRESS / PAGE_BYTES;
const flags = MAP.SHARED | MAP.FIXED | MAP.ANONYMOUS;
const shared = { length: PAGE_BYTES, prot: PROT_RW, flags, file: undefined, offset: 0 };

export function scenario(): MachineScenario {
  const machine = new Machine({ format: formatById('x86_64-4level')!, cpus: 2, mms: 2 });
  run(newProcess(machine, 0));
  const parent = taskOn(machine, 0, 0);
  run(mmap(parent, { address: ADDRESS, ...shared }));
  run(fork(parent, 0));
  return new MachineScenario(machine, [
    {
      name: 'store, load',
      *run(task) {
        yield* store(task, PAGE, 7);
        if ((yield* load(task, PAGE)) !== 7) violate(machine, 'P-DATA');
      },
    },
    { name: 'munmap', mm: 1, run: (task) => munmap(task, ADDRESS, PAGE_BYTES) },
  ]);
}
