/** Memory of a driver, which entries map without a reference. */
import type { Program } from '../check/index.ts';
import { openDriverFile, pfnmap, revokeMemory } from '../designs/index.ts';
import { mmap, newProcess, run, store } from '../mm/index.ts';
import { MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, unmapping } from './small_machine.ts';

const MAP_SHARED_FIXED = MAP.SHARED | MAP.FIXED;

const revoking: Program = {
  name: 'the driver frees its memory',
  mm: 1,
  run: (task) => revokeMemory(task, task.machine.inodes.all()[0]!),
};
const using: Program = {
  name: 'store, munmap',
  *run(task) {
    yield* store(task, PAGE, 7);
    yield* unmapping(PAGE).run(task);
  },
};

export const pfnsFlushedLater: ZooEntry = {
  id: 'C6',
  aliases: ['CVE-2022-39188', 'b67fbebd4cf9'],
  title: 'munmap() flushes what a driver maps when the driver may have freed it',
  bug: 'pfnsFlushedLater',
  properties: ['P-UAF-PAGE'],
  actors: [
    'a store to memory of a driver, and munmap() of it',
    'the driver unmaps its memory everywhere (unmap_mapping_range()), and frees it',
  ],
  story:
    'Entries for memory of a driver (VM_PFNMAP) have no reference to it: the driver frees it once nobody ' +
    'maps it. munmap() clears the entries, takes the VMA out of the list of the file, and flushes when all ' +
    'is done. In between the driver finds neither entry nor VMA, so it has nothing to flush and nobody to ' +
    'wait for, and frees memory that TLBs still lead to. Pages of others have a reference until the flush. ' +
    'The mend: flush before such a VMA leaves the list.',
  fix: 'b67fbebd4cf9',
  versions: 'until 5.18',
  bounds: '2 CPUs, 2 processes, 1 page, 3 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [using, revoking],
      { mapped: [], touched: [], mms: 2, designs: [pfnmap], flush: 'broadcast' },
      { pfnsFlushedLater: isBroken },
      (task) => {
        run(newProcess(task.machine, 0));
        const file = run(openDriverFile(task, 1));
        const call = {
          address: PAGE * PAGE_BYTES,
          length: PAGE_BYTES,
          prot: PROT_RW,
          file,
          offset: 0,
        };
        run(mmap(task, { ...call, flags: MAP_SHARED_FIXED }));
      },
    ),
};
