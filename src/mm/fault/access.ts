/**
 * What programs do: loads and stores of one word of a page.
 *
 * An access is one point. Explored, it may use any translation that the flush ledger still allows
 * its CPU: the current entry (choice 0), or a stale one. Blanked, it goes through the MMU of its CPU,
 * or uses the current entry if the machine has no TLBs.
 *
 * @omits when exploring: accessed and dirty bits of tables, accesses through walk caches that are
 *        stale
 */
import { ACCESSED, DIRTY, type EntryIndex, type Vpn } from '../../arch/index.ts';
import { Access as Kind, type Mmu } from '../../mmu/index.ts';
import { headOf } from '../page/frame.ts';
import {
  checkTable,
  flagsAt,
  frameAt,
  isLeafAt,
  isPresentAt,
  isWritableAt,
  isWriteDenied,
  setLeaf,
  slotIn,
  tableAt,
} from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { MAPPED_NOW } from '../world/ledger.ts';
import type { Op } from '../world/op.ts';
import { loading, storing } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { NONE, type World } from '../world/world.ts';
import { handleUserFault } from './fault.ts';
import { idleFaults } from './idle.ts';
import { Access, Fault } from './result.ts';
import { segmentOf } from './segment_tag.ts';

/** The word of `page`, or -1 - how the fault ended, where the program would get a signal. */
export function* load(task: Task, page: number): Op<number> {
  const { machine, cpu } = task;
  for (let idle = 0; ; ) {
    announceAccess(task, page);
    yield loading(machine.objects.tlb(cpu));
    const frame = translate(task, false);
    if (frame !== NONE) return machine.frameData[frame]!;
    idle = yield* takeFault(task, page, Access.READ, idle);
    if (idle < 0) return idle;
  }
}

/**
 * As `load()`, for who may not fault: the kernel copies from a program, with locks held.
 *
 * @returns `undefined` if there is no translation
 * @source  linux/uaccess.h copy_from_user() under pagefault_disable() (Linux 6.18)
 */
export function* tryLoad(task: Task, page: number): Op<number | undefined> {
  const { machine, cpu } = task;
  announceAccess(task, page);
  yield loading(machine.objects.tlb(cpu));
  const frame = translate(task, false);
  return frame === NONE ? undefined : (machine.frameData[frame] ?? 0);
}

/** Writes `value` to the word of `page`; 0, or -1 - how the fault ended. */
export function* store(task: Task, page: number, value: number): Op<number> {
  const { machine, cpu } = task;
  for (let idle = 0; ; ) {
    announceAccess(task, page);
    yield storing(machine.objects.tlb(cpu));
    const frame = translate(task, true);
    if (frame !== NONE) {
      machine.frameData[frame] = value;
      return 0;
    }
    idle = yield* takeFault(task, page, Access.WRITE, idle);
    if (idle < 0) return idle;
  }
}

/**
 * Takes the fault of an access, which is to be tried again then.
 *
 * @param   idle faults of it in a row before this one that have found nothing to do
 * @returns the same with this one, or -1 - how the fault ended
 */
function* takeFault(task: Task, page: number, access: Access, idle: number): Op<number> {
  const { machine } = task;
  const before = machine.entryWrites[0]!;
  const result = yield* handleUserFault(task, page, access);
  if (result !== Fault.DONE) return -1 - result;
  fixSpuriousFault(task, page);
  const faults = idleFaults(machine, before, idle);
  return faults < 0 ? -1 - Fault.SIGBUS : faults;
}

/**
 * The word of `page`, or `undefined` if that takes a fault: page faults are off.
 *
 * @source mm/maccess.c copy_from_user_nofault() (Linux 6.18)
 */
export function* loadNofault(task: Task, page: number): Op<number | undefined> {
  announceAccess(task, page);
  yield loading(task.machine.objects.tlb(task.cpu));
  const frame = translate(task, false);
  return frame === NONE ? undefined : task.machine.frameData[frame]!;
}

/**
 * Whether `value` could be written to the word of `page` without a fault: page faults are off.
 *
 * @source mm/maccess.c copy_to_user_nofault() (Linux 6.18)
 */
export function* storeNofault(task: Task, page: number, value: number): Op<boolean> {
  announceAccess(task, page);
  yield storing(task.machine.objects.tlb(task.cpu));
  const frame = translate(task, true);
  if (frame !== NONE) task.machine.frameData[frame] = value;
  return frame !== NONE;
}

/** Before the point, so that a scheduler can count the translations to choose from. */
function announceAccess({ machine, cpu, mm }: Task, page: number): void {
  machine.accessMm[cpu] = mm.id;
  machine.accessPage[cpu] = page;
}

/** The frame that the announced access reaches, or `NONE` if it faults. */
function translate(task: Task, write: boolean): number {
  const { machine, cpu } = task;
  const mmu = machine.mmus[cpu];
  const frame =
    mmu === undefined ? translateByChoice(task, write) : translateByMmu(task, mmu, write);
  if (frame !== NONE && machine.frameReferences[headOf(machine, frame)]! <= 0)
    violate(machine, 'P-UAF-PAGE');
  return frame;
}

/** By the current entry, or a translation that is stale. */
function translateByChoice({ machine, cpu, mm }: Task, write: boolean): number {
  const page = machine.accessPage[cpu]! as Vpn;
  const choice = machine.choice[0]!;
  if (choice === 0) return translateNow(machine, mm, page, write);
  const frame = machine.ledger.stale(cpu, mm.id, page, choice - 1, write);
  return frame === MAPPED_NOW ? translateNow(machine, mm, page, false) : frame;
}

/**
 * By what the CPU holds or finds; it sets accessed and dirty bits. A CPU that ran another address
 * space switches to this one, and keeps what it holds of both.
 *
 * @source arch/x86/mm/tlb.c switch_mm_irqs_off() (Linux 6.18)
 */
function translateByMmu({ machine, cpu, mm }: Task, mmu: Mmu, write: boolean): number {
  const { size, tableEntries, accessPage } = machine;
  mmu.switchTo(
    tagOf(machine, mm, accessPage[cpu]!),
    ((size.frames + mm.root) * tableEntries) as EntryIndex,
  );
  const frame = mmu.access(accessPage[cpu]! as Vpn, write ? Kind.store : Kind.load);
  if (frame < 0) return NONE;
  if (frame < size.frames) return frame;
  // An entry of another level was taken for one that maps a page.
  violate(machine, 'P-UAF-PT');
  return NONE;
}

/** What the TLB tells the translations of `page` of `mm` from others by. */
function tagOf(machine: World, mm: Mm, page: number): number {
  return machine.size.tlbTags === 'mm' ? mm.id : segmentOf(machine, mm, page);
}

/**
 * An entry may allow more than the CPU holds of it: nothing is flushed when rights are added.
 *
 * @source mm/memory.c handle_pte_fault(), flush_tlb_fix_spurious_fault() (Linux 6.18)
 */
function fixSpuriousFault({ machine, cpu, mm }: Task, page: number): void {
  machine.mmus[cpu]?.invalidatePage(page as Vpn, tagOf(machine, mm, page));
}

/** The hardware's walk, in one go. */
export function translateNow(machine: World, mm: Mm, page: number, write: boolean): number {
  let table = mm.root;
  for (let level = machine.format.levels - 1; ; level--) {
    const slot = slotIn(machine, table, page, level);
    if (!checkTable(machine, slot) || !isPresentAt(machine, slot)) return NONE;
    if (!isLeafAt(machine, slot, level)) {
      if (write && isWriteDenied(machine, slot)) return NONE;
      table = tableAt(machine, slot, level);
      continue;
    }
    if (write && !isWritableAt(machine, slot)) return NONE;
    noteAccess(machine, slot, level, write);
    return frameAt(machine, slot, level) + (page % machine.format.entryPages[level]!);
  }
}

/** What an entry says of accesses is true from now on, if it was not: faults install it so. */
function noteAccess(world: World, slot: number, level: number, write: boolean): void {
  const flags = flagsAt(world, slot);
  const noted = flags | ACCESSED | (write ? DIRTY : 0);
  if (noted !== flags) setLeaf(world, slot, frameAt(world, slot, level), noted, level);
}
