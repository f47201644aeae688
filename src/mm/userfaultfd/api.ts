/**
 * userfaultfd(2) and UFFDIO_API: a descriptor, and what it is to do.
 *
 * @source fs/userfaultfd.c new_userfaultfd(), userfaultfd_api(), userfaultfd_ioctl() (Linux 6.18)
 * @omits  processes without CAP_SYS_PTRACE, poll(2), signals that end a wait
 */
import { UFFD_WP } from '../../arch/index.ts';
import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { UFFD_API, UffdFeature, UffdIoctl } from '../../uapi/userfaultfd.ts';
import { granularDesign } from '../hugetlb/granular.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import { newUserfaultfd, type Userfaultfd } from './context.ts';

/** O_CLOEXEC, O_NONBLOCK and UFFD_USER_MODE_ONLY. */
const SYSCALL_FLAGS = 0o2000000 | 0o4000 | 1;
const WP_FEATURES =
  UffdFeature.PAGEFAULT_FLAG_WP |
  UffdFeature.WP_HUGETLBFS_SHMEM |
  UffdFeature.WP_UNPOPULATED |
  UffdFeature.WP_ASYNC;

/** userfaultfd(2). @returns a descriptor, or a negative errno */
export function userfaultfd(task: Task, flags: number): Userfaultfd | number {
  if (flags !== (flags & SYSCALL_FLAGS)) return EINVAL;
  return task.machine.userfaultfds.isFull ? ENOMEM : newUserfaultfd(task, task.mm);
}

/** What UFFDIO_API answers: nothing if it is refused. */
export interface UffdApi {
  readonly result: number;
  readonly features: number;
  /** `1 << UffdIoctl` of those of a descriptor, but for API, whose bit is the 64th. */
  readonly ioctls: number;
}

const REFUSED: UffdApi = { result: EINVAL, features: 0, ioctls: 0 };

/** UFFDIO_API, once for each descriptor. */
export function uffdioApi(
  { machine }: Pick<Task, 'machine'>,
  uffd: Userfaultfd,
  api: number,
  wanted: number,
): UffdApi {
  const all = knownFeatures(machine);
  // The one implies the other.
  const implied = (wanted & UffdFeature.WP_ASYNC) === 0 ? 0 : UffdFeature.WP_UNPOPULATED;
  const features = wanted | implied;
  const feature = granularDesign(machine)?.feature;
  const needed = feature === undefined || (wanted & feature.bit) === 0 ? 0 : feature.needs;
  const isKnown = wanted >= 0 && wanted < 2 ** 31 && (features & ~all) === 0;
  if (api !== UFFD_API || !isKnown || (needed & ~features) !== 0 || uffd.features !== undefined)
    return REFUSED;
  uffd.features = features;
  return {
    result: 0,
    features: all,
    ioctls: (1 << UffdIoctl.REGISTER) | (1 << UffdIoctl.UNREGISTER),
  };
}

/** Write protection needs a bit of the kernel's in entries, and pieces of huge pages a design. */
export function knownFeatures(machine: Pick<Machine, 'format' | 'designs'>): number {
  const own = granularDesign(machine)?.feature?.bit ?? 0;
  const all = Object.values(UffdFeature).reduce((sum, bit) => sum | bit, own);
  return canWriteProtect(machine) ? all : all & ~WP_FEATURES;
}

export function canWriteProtect({ format }: Pick<Machine, 'format'>): boolean {
  return format.expresses(UFFD_WP | 1 | 8);
}
