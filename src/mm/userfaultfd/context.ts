/**
 * What a descriptor of userfaultfd(2) stands for.
 *
 * @source fs/userfaultfd.c struct userfaultfd_ctx, include/uapi/linux/userfaultfd.h (Linux 6.18)
 */
import { UffdFeature } from '../../uapi/userfaultfd.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';

/** Why a fault is told: the flag of the VMA that asks for it. */
export type Reason = typeof VM.UFFD_MISSING | typeof VM.UFFD_MINOR | typeof VM.UFFD_WP;

/** A fault that waits, or would if its thread were one of a real machine. */
export interface WaitingFault {
  readonly page: number;
  /** `UffdFlag`s. */
  readonly flags: number;
  readonly thread: number;
  /** Who is to be woken, or `NONE`. */
  cpu: number;
  isRead: boolean;
}

/** A change of the address space that is told before it goes on. Addresses are in pages. */
export type UffdEvent =
  | { readonly kind: 'fork'; readonly child: Userfaultfd }
  | { readonly kind: 'remap'; readonly from: number; readonly to: number; readonly pages: number }
  | { readonly kind: 'remove'; readonly start: number; readonly end: number }
  | { readonly kind: 'unmap'; readonly start: number; readonly end: number };

/** An event, and who waits until it was read, or `NONE`. */
export interface WaitingEvent {
  readonly event: UffdEvent;
  cpu: number;
}

export interface Userfaultfd {
  /** Number of its queue and its lock. */
  readonly id: number;
  readonly mm: Mm;
  /** `undefined` before UFFDIO_API. */
  features: number | undefined;
  /** Object: the queue. Closed, or about to be. */
  isReleased: boolean;
  /** Events that were not read yet; changed under `map_changing_lock`, for writing, when it grows. */
  mmapChanging: number;
  /** Object: the queue. */
  faults: WaitingFault[];
  events: WaitingEvent[];
}

/** A context for `mm`. Nobody knows it yet. */
export function newUserfaultfd({ machine, cpu }: Task, mm: Mm, features?: number): Userfaultfd {
  return machine.userfaultfds.add(cpu, (id) => ({
    id,
    mm,
    features,
    isReleased: false,
    mmapChanging: 0,
    faults: [],
    events: [],
  }));
}

export function hasFeature(uffd: Userfaultfd | undefined, feature: number): boolean {
  return uffd !== undefined && ((uffd.features ?? 0) & feature) !== 0;
}

/**
 * Whether write protection is noted where nothing is mapped, too: always of files, whose pages come
 * and go; of private memory if that was agreed on.
 *
 * @source include/linux/userfaultfd_k.h userfaultfd_wp_use_markers() (Linux 6.18)
 */
export function usesWpMarkers({ flags, file, userfaultfd }: Vma): boolean {
  if ((flags & VM.UFFD_WP) === 0) return false;
  return file !== undefined || hasFeature(userfaultfd, UffdFeature.WP_UNPOPULATED);
}

/** A reference to the address space of a context, unless its last process has gone: for `mmput()`. */
export function* mmgetNotZero({ machine }: Pick<Task, 'machine'>, mm: Mm): Op<boolean> {
  yield writing(machine.objects.cpuMask(mm.id));
  if (mm.users === 0) return false;
  mm.users++;
  return true;
}
