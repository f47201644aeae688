/** Faults on entries that are neither empty nor present. */
import { Marker, SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import type { Access } from './result.ts';
import { Fault } from './result.ts';

export function* doSoftEntry(
  { machine }: Task,
  _vma: Vma,
  _page: number,
  slot: number,
  _access: Access,
): Op<Fault> {
  yield reading(machine.objects.entry(slot));
  if (softKindAt(machine, slot) !== SoftKind.MARKER) return Fault.RETRY;
  return (softValueAt(machine, slot) & Marker.GUARD) !== 0 ? Fault.MAPERR : Fault.SIGBUS;
}
