/**
 * What guests do: loads and stores of one word of a guest page; by its virtual number, if the guest runs
 * on tables of its own.
 *
 * As `mm/fault/access.ts` has it of programs: explored, an access may use the entry of now, or any that
 * the flush ledger still allows the CPU.
 */
import { headOf } from '../../mm/page/frame.ts';
import type { Task } from '../../mm/task.ts';
import type { Op } from '../../mm/world/op.ts';
import { loading, storing, writing } from '../../mm/world/point.ts';
import { violate } from '../../mm/world/property.ts';
import { NONE } from '../../mm/world/world.ts';
import { GuestFault, guestPageFault } from './fault.ts';
import { translateSecond } from './second_table.ts';
import { shadowPageFault, translateShadow } from './shadow/shadow_fault.ts';
import { type Vm, vmOf } from './vm.ts';

/** The CPU of `task` runs the guest from now on, and may hold translations of it. */
export function* enterGuest({ machine, cpu }: Task, id: number): Op<void> {
  const { space } = vmOf(machine, id);
  yield writing(machine.objects.cpuMask(space));
  machine.mmCpus[space]! |= 1 << cpu;
}

/** The word of the guest page `gfn`, or -1 - how the fault ended. */
export function* guestLoad(task: Task, id: number, gfn: number): Op<number> {
  const { machine, cpu } = task;
  for (;;) {
    announce(task, id, gfn);
    yield loading(machine.objects.tlb(cpu));
    const frame = translate(task, id, false);
    if (frame !== NONE) return machine.frameData[frame]!;
    const result = yield* faultOf(task, id, gfn, false);
    if (result !== GuestFault.FIXED) return -1 - result;
  }
}

/** Writes `value` to the word of the guest page `gfn`; 0, or -1 - how the fault ended. */
export function* guestStore(task: Task, id: number, gfn: number, value: number): Op<number> {
  const { machine, cpu } = task;
  for (;;) {
    announce(task, id, gfn);
    yield storing(machine.objects.tlb(cpu));
    const frame = translate(task, id, true);
    if (frame !== NONE) {
      machine.frameData[frame] = value;
      return 0;
    }
    const result = yield* faultOf(task, id, gfn, true);
    if (result !== GuestFault.FIXED) return -1 - result;
  }
}

function announce({ machine, cpu }: Task, id: number, gfn: number): void {
  machine.accessMm[cpu] = vmOf(machine, id).space;
  machine.accessPage[cpu] = gfn;
}

/** The frame that the announced access reaches, or `NONE` if it faults. */
function translate(task: Task, id: number, isWrite: boolean): number {
  const { machine, cpu } = task;
  const vm = vmOf(machine, id);
  const gfn = machine.accessPage[cpu]!;
  const choice = machine.choice[0]!;
  const frame =
    choice === 0
      ? translateNow(task, vm, gfn, isWrite)
      : machine.ledger.stale(cpu, vm.space, gfn, choice - 1, isWrite);
  if (frame !== NONE && machine.frameReferences[headOf(machine, frame)]! <= 0) {
    violate(machine, 'P-UAF-PAGE');
  }
  return frame;
}

function translateNow(task: Task, vm: Vm, gfn: number, isWrite: boolean): number {
  if (vm.shadow === undefined) return translateSecond(vm, gfn, isWrite);
  return translateShadow(task, vm, gfn, isWrite);
}

function* faultOf(task: Task, id: number, gfn: number, isWrite: boolean): Op<GuestFault> {
  const isShadow = vmOf(task.machine, id).shadow !== undefined;
  if (isShadow) return yield* shadowPageFault(task, id, gfn, isWrite);
  return yield* guestPageFault(task, id, gfn, isWrite);
}
