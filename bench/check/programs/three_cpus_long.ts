/**
 * Three CPUs of one process, for a search of about a minute: a page that nobody has touched is
 * dropped, written to and read, unmapped.
 */
import type { MachineScenario } from '../../../src/check/index.ts';
import { load } from '../../../src/mm/index.ts';
import { MADV } from '../../../src/uapi/mman.ts';
import { advising, PAGE, race, storing, unmapping } from '../../../src/zoo/small_machine.ts';

export const scenario = (): MachineScenario =>
  race(
    [
      advising(PAGE, PAGE + 1, MADV.DONTNEED, 'MADV_DONTNEED'),
      {
        name: 'store, load',
        *run(task) {
          yield* storing(PAGE, 2).run(task);
          yield* load(task, PAGE);
        },
      },
      unmapping(PAGE),
    ],
    { mapped: [[PAGE, PAGE + 2]], touched: [] },
    {},
  );
