/**
 * What programs do: loads and stores of one word of a page.
 *
 * An access is one point. Explored, it may use any translation that the flush ledger still allows
 * its CPU: the current entry (choice 0), or a stale one. Blanked, it uses the current entry.
 *
 * @omits accessed and dirty bits set by hardware: a fault installs them set; accesses through walk
 *        caches that are stale
 */
import type { Vpn } from '../arch/index.ts';
import { type Machine, NONE } from './machine.ts';
import { handleUserFault } from './memory.ts';
import type { Op } from './op.ts';
import { checkTable, frameAt, isPresentAt, isWritableAt, slotIn, tableAt } from './pgtable.ts';
import { loading, storing } from './point.ts';
import { violate } from './property.ts';

/** The word of `page`, or a negative errno, where the program would get a signal. */
export function* load(machine: Machine, cpu: number, mm: number, page: Vpn): Op<number> {
  for (;;) {
    announceAccess(machine, cpu, mm, page);
    yield loading(machine.objects.tlb(cpu));
    const frame = translate(machine, cpu, false);
    if (frame !== NONE) return machine.frameData[frame]!;
    const result = yield* handleUserFault(machine, cpu, mm, page, false);
    if (result !== 0) return result;
  }
}

/** Writes `value` to the word of `page`; 0, or a negative errno. */
export function* store(
  machine: Machine,
  cpu: number,
  mm: number,
  page: Vpn,
  value: number,
): Op<number> {
  for (;;) {
    announceAccess(machine, cpu, mm, page);
    yield storing(machine.objects.tlb(cpu));
    const frame = translate(machine, cpu, true);
    if (frame !== NONE) {
      machine.frameData[frame] = value;
      return 0;
    }
    const result = yield* handleUserFault(machine, cpu, mm, page, true);
    if (result !== 0) return result;
  }
}

/** Before the point, so that a scheduler can count the translations to choose from. */
function announceAccess(machine: Machine, cpu: number, mm: number, page: Vpn): void {
  machine.accessMm[cpu] = mm;
  machine.accessPage[cpu] = page;
}

/** How many translations the access that `cpu` has announced may use. */
export function countTranslations(machine: Machine, cpu: number): number {
  const { accessMm, accessPage, ledger } = machine;
  return 1 + ledger.countStale(cpu, accessMm[cpu]!, accessPage[cpu]!);
}

/** The frame that the announced access reaches, or `NONE` if it faults. */
function translate(machine: Machine, cpu: number, write: boolean): number {
  const mm = machine.accessMm[cpu]!;
  const page = machine.accessPage[cpu]! as Vpn;
  const choice = machine.choice[0]!;
  const frame =
    choice === 0
      ? translateNow(machine, mm, page, write)
      : machine.ledger.stale(cpu, mm, page, choice - 1, write);
  if (frame !== NONE && machine.frameReferences[frame] === 0) violate(machine, 'P-UAF-PAGE');
  return frame;
}

/** The hardware's walk, in one go. */
function translateNow(machine: Machine, mm: number, page: Vpn, write: boolean): number {
  let table = machine.mmRoot[mm]!;
  for (let level = machine.format.levels - 1; level > 0; level--) {
    const slot = slotIn(machine, table, page, level);
    if (!checkTable(machine, slot) || !isPresentAt(machine, slot)) return NONE;
    table = tableAt(machine, slot, level);
  }
  const slot = slotIn(machine, table, page, 0);
  if (!checkTable(machine, slot) || !isPresentAt(machine, slot)) return NONE;
  if (write && !isWritableAt(machine, slot)) return NONE;
  return frameAt(machine, slot);
}
