/**
 * What a descriptor of userfaultfd(2) stands for.
 *
 * @source fs/userfaultfd.c struct userfaultfd_ctx, include/uapi/linux/userfaultfd.h (Linux 6.18)
 */
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';

/** What UFFDIO_API agrees on. */
export const UffdFeature = {
  PAGEFAULT_FLAG_WP: 1 << 0,
  EVENT_FORK: 1 << 1,
  EVENT_REMAP: 1 << 2,
  EVENT_REMOVE: 1 << 3,
  MISSING_HUGETLBFS: 1 << 4,
  MISSING_SHMEM: 1 << 5,
  EVENT_UNMAP: 1 << 6,
  SIGBUS: 1 << 7,
  THREAD_ID: 1 << 8,
  MINOR_HUGETLBFS: 1 << 9,
  MINOR_SHMEM: 1 << 10,
  EXACT_ADDRESS: 1 << 11,
  WP_HUGETLBFS_SHMEM: 1 << 12,
  WP_UNPOPULATED: 1 << 13,
  POISON: 1 << 14,
  WP_ASYNC: 1 << 15,
  MOVE: 1 << 16,
} as const;

/** What a message says of a fault. */
export const UffdFlag = { WRITE: 1, WP: 2, MINOR: 4 } as const;

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
