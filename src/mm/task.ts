/** Who performs an operation: a thread on a CPU, in an address space. */
import type { Machine } from './machine.ts';
import type { Mm } from './vma/mm.ts';

export interface Task {
  readonly machine: Machine;
  readonly cpu: number;
  readonly mm: Mm;
  /** Which thread of the address space; 0, the first, unless told otherwise. */
  readonly thread?: number;
}

/** A thread of the address space number `mm` on `cpu`, which from now on may hold translations of it. */
export function taskOn(machine: Machine, cpu: number, mm: number): Task {
  machine.mmCpus[mm]! |= 1 << cpu;
  const task = { machine, cpu, mm: machine.mms.get(mm) };
  for (const { loadMm } of machine.designs) loadMm?.(machine, cpu, task.mm);
  return task;
}
