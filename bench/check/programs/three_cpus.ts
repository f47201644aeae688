/** Three CPUs of one process, for a search of many seconds: a page is dropped, written, unmapped. */
import type { MachineScenario } from '../../../src/check/index.ts';
import { MADV } from '../../../src/uapi/mman.ts';
import { advising, PAGE, race, storing, unmapping } from '../../../src/zoo/small_machine.ts';

export const scenario = (): MachineScenario =>
  race(
    [advising(PAGE, PAGE + 1, MADV.DONTNEED, 'MADV_DONTNEED'), storing(PAGE, 2), unmapping(PAGE)],
    { mapped: [[PAGE, PAGE + 2]], touched: [PAGE] },
    {},
  );
