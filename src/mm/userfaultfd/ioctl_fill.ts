/**
 * UFFDIO_COPY, UFFDIO_ZEROPAGE, UFFDIO_CONTINUE and UFFDIO_POISON: what they check, and answer.
 *
 * @source fs/userfaultfd.c userfaultfd_copy(), userfaultfd_zeropage(), userfaultfd_continue(),
 *         userfaultfd_poison() (Linux 6.18)
 */
import { EAGAIN, EINVAL, ESRCH } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { UffdFillMode } from '../../uapi/userfaultfd.ts';
import type { Task } from '../task.ts';
import { pageOf } from '../vma/pages.ts';
import type { Op } from '../world/op.ts';
import { mmgetNotZero, type Userfaultfd } from './context.ts';
import { fillRange } from './fill.ts';
import type { Fill } from './filling.ts';
import { mmput } from './mmput.ts';
import { wakeUserfault } from './queue.ts';
import { checkUnaligned, type PageRange, pagesIn } from './range.ts';

/** What a call has done: `bytes` is its field `copy`, `zeropage`, `mapped`, `updated` or `move`. */
export interface UffdFilled {
  /** 0, or a negative errno: EAGAIN also if only some of it was done. */
  readonly result: number;
  /** How much was done, or a negative errno; `undefined` if the field is left as it was. */
  readonly bytes: number | undefined;
}

/** What is asked for, in bytes. */
export interface FillRequest {
  readonly start: number;
  readonly length: number;
  readonly mode: number;
}

const refused = (result: number): UffdFilled => ({ result, bytes: undefined });

/** UFFDIO_COPY: pages of the caller, from `source` on, which need not be aligned. */
export function* uffdioCopy(
  task: Task,
  uffd: Userfaultfd,
  request: FillRequest & { readonly source: number },
): Op<UffdFilled> {
  const { source, length } = request;
  const isWp = (request.mode & UffdFillMode.WP) !== 0;
  const from = { task, page: pageOf(source), isWithin: source % PAGE_BYTES !== 0 };
  const check = checkUnaligned(uffd.mm, source, length);
  return yield* fillAndWake(task, uffd, request, { kind: 'copy', isWp, from }, true, check);
}

export function* uffdioZeropage(
  task: Task,
  uffd: Userfaultfd,
  request: FillRequest,
): Op<UffdFilled> {
  return yield* fillAndWake(task, uffd, request, { kind: 'zeropage', isWp: false }, false);
}

/** UFFDIO_CONTINUE: what is in the page cache. */
export function* uffdioContinue(
  task: Task,
  uffd: Userfaultfd,
  request: FillRequest,
): Op<UffdFilled> {
  const isWp = (request.mode & UffdFillMode.WP) !== 0;
  return yield* fillAndWake(task, uffd, request, { kind: 'continue', isWp }, true);
}

export function* uffdioPoison(task: Task, uffd: Userfaultfd, request: FillRequest): Op<UffdFilled> {
  return yield* fillAndWake(task, uffd, request, { kind: 'poison', isWp: false }, false);
}

function* fillAndWake(
  task: Task,
  uffd: Userfaultfd,
  { start, length, mode }: FillRequest,
  what: Fill,
  mayProtect: boolean,
  check = 0,
): Op<UffdFilled> {
  if (uffd.features === undefined) return refused(EINVAL);
  if (uffd.mmapChanging > 0) return { result: EAGAIN, bytes: EAGAIN };
  const range = pagesIn(uffd.mm, start, length);
  if (check < 0 || range === undefined) return refused(EINVAL);
  const modes = UffdFillMode.DONTWAKE | (mayProtect ? UffdFillMode.WP : 0);
  if (mode !== (mode & modes)) return refused(EINVAL);
  const isThere = yield* mmgetNotZero(task, uffd.mm);
  if (!isThere) return refused(ESRCH);
  const its = { ...task, mm: uffd.mm };
  const done = yield* fillRange(its, uffd, what, range);
  yield* mmput(its);
  const isQuiet = (mode & UffdFillMode.DONTWAKE) !== 0;
  return yield* answer(task, uffd, range, done, isQuiet);
}

/** Says what was done, and wakes who waits for it. @param done pages, or a negative errno */
export function* answer(
  task: Task,
  uffd: Userfaultfd,
  { start, end }: PageRange,
  done: number,
  isQuiet: boolean,
): Op<UffdFilled> {
  if (done < 0) return { result: done, bytes: done };
  if (!isQuiet) yield* wakeUserfault(task, uffd, start, start + done);
  return { result: done === end - start ? 0 : EAGAIN, bytes: done * PAGE_BYTES };
}
