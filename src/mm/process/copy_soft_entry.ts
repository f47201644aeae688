/**
 * Copying entries that are not present to hardware, for fork.
 *
 * @source mm/memory.c copy_nonpresent_pte(), copy_pte_marker() (Linux 6.18)
 * @omits  device memory
 */
import { ACCESSED, UFFD_WP } from '../../arch/index.ts';
import { tryDupRmap } from '../rmap/dup_rmap.ts';
import { rssKindOf } from '../rmap/map_count.ts';
import { swapDuplicate } from '../swap/swap_slot.ts';
import {
  Marker,
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../table/soft_entry.ts';
import { Rss } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { setting, writing } from '../world/point.ts';
import type { World } from '../world/world.ts';
import type { Copy } from './copy_page_range.ts';
import { copyPinned } from './copy_pinned.ts';

/** Copies the entry at `from`; false if a frame is missing. Called under the locks of both tables. */
export function* copySoftEntry(copy: Copy, from: number, to: number, page: number): Op<boolean> {
  const { machine } = copy.task;
  switch (softKindAt(machine, from)) {
    case SoftKind.PROT_NONE:
      return yield* copyProtNone(copy, from, to, page);
    case SoftKind.MIGRATION:
      yield* copyMigration(copy, from, to);
      return true;
    case SoftKind.MARKER: {
      const wp = (copy.to.flags & VM.UFFD_WP) === 0 ? 0 : Marker.UFFD_WP;
      const marker = softValueAt(machine, from) & (Marker.POISONED | Marker.GUARD | wp);
      yield setting(machine.objects.entry(to));
      if (marker !== 0) setSoftEntry(machine, to, SoftKind.MARKER, marker);
      return true;
    }
    default:
      yield* copySwapEntry(copy, from, to);
      return true;
  }
}

/** As a present entry; nothing can be written through it, so nothing has to be write-protected. */
function* copyProtNone(copy: Copy, from: number, to: number, page: number): Op<boolean> {
  const { task, child } = copy;
  const { machine, mm } = task;
  const frame = softValueAt(machine, from);
  const flags = softFlagsAt(machine, from);
  const isShared = yield* tryDupRmap(machine, mm, child, frame);
  if (!isShared) return yield* copyPinned(copy, to, page, frame, (flags & UFFD_WP) !== 0);
  yield setting(machine.objects.entry(to));
  const kept = flags & ~ACCESSED & ~forgottenFlags(copy.to, UFFD_WP);
  setSoftEntry(machine, to, SoftKind.PROT_NONE, frame, kept);
  return true;
}

/** A page that is swapped out is common when it comes back. */
function* copySwapEntry({ task, child, to: vma }: Copy, from: number, to: number): Op<void> {
  const { machine, cpu } = task;
  const value = softValueAt(machine, from);
  const flags = softFlagsAt(machine, from) & ~SoftFlag.EXCLUSIVE;
  yield* swapDuplicate(machine, cpu, value);
  child.rss[Rss.SWAP]!++;
  yield writing(machine.objects.entry(from));
  setSoftEntry(machine, from, SoftKind.SWAP, value, flags);
  yield setting(machine.objects.entry(to));
  setSoftEntry(machine, to, SoftKind.SWAP, value, flags & ~forgottenNote(machine, vma));
}

/** A page that is being moved will be common, too, when it arrives. */
function* copyMigration(copy: Copy, from: number, to: number): Op<void> {
  const { task, child, isCow, to: vma } = copy;
  const { machine } = task;
  const frame = softValueAt(machine, from);
  let flags = softFlagsAt(machine, from);
  child.rss[rssKindOf(machine, frame)]!++;
  if (isCow && (flags & (SoftFlag.WRITABLE | SoftFlag.EXCLUSIVE)) !== 0) {
    flags &= ~(SoftFlag.WRITABLE | SoftFlag.EXCLUSIVE);
    yield writing(machine.objects.entry(from));
    setSoftEntry(machine, from, SoftKind.MIGRATION, frame, flags);
  }
  yield setting(machine.objects.entry(to));
  setSoftEntry(machine, to, SoftKind.MIGRATION, frame, flags & ~forgottenNote(machine, vma));
}

/** Of entries that are not present the note is another bit. */
const forgottenNote = ({ bugs }: World, vma: Vma): number =>
  bugs.forkKeepsSoftUffdWp === true ? 0 : forgottenFlags(vma, SoftFlag.UFFD_WP);

/** The note of write protection, unless the child's VMA is protected, too. */
const forgottenFlags = ({ flags }: Vma, noted: number): number =>
  (flags & VM.UFFD_WP) === 0 ? noted : 0;
