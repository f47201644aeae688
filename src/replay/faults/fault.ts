/** Page faults of a recording, on the engine. */
import type * as engine from '../../mm/index.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Host } from '../host.ts';
import { ReplayError } from '../replay_error.ts';

/** @returns whether the engine serves the fault. @throws ReplayError */
export function serveFault(
  host: Host,
  task: engine.Task,
  line: number,
  { address, isWrite, isFetch }: { address: number; isWrite: boolean; isFetch: boolean },
): boolean {
  const { Access, Fault, VM } = host.mm;
  const page = Math.floor(address / PAGE_BYTES);
  const vma = task.mm.vmas.at(page);
  // Of vvar there are no pages that would be counted; of vdso there is one at a time.
  if (vma !== undefined && (vma.flags & VM.PFNMAP) !== 0) return true;
  const access = isWrite ? Access.WRITE : isFetch ? Access.EXEC : Access.READ;
  const result = host.run(host.mm.handleUserFault(task, page, access));
  if (result !== Fault.OOM) return result === Fault.DONE;
  throw new ReplayError(
    line,
    'the recorded processes have more memory than the simulated machine',
    'Record fewer of them, or for a shorter time',
  );
}
