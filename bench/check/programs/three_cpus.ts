/** munmap(), a store and a first access of one process, on a CPU each. */
import type { MachineScenario } from '../../../src/check/index.ts';
import { PAGE, race, storing, unmapping } from '../../../src/zoo/small_machine.ts';

export function scenario(): MachineScenario {
  return race(
    [unmapping(PAGE), storing(PAGE, 7), storing(PAGE + 1, 8)],
    { mms: 1, frames: 8, tables: 8, vmas: 4, anonVmas: 2, mapped: [[PAGE, PAGE + 2]], touched: [] },
    {},
  );
}
