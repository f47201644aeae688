/**
 * When neighbours become one, and one becomes two. All under the mmap write lock.
 *
 * @source mm/vma.c vma_merge_new_range(), vma_merge_existing_range(), __split_vma() (Linux 6.18)
 */

import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { Change } from '../design/design.ts';
import { afterChange, beforeChange } from '../design/seams.ts';
import { putInode } from '../file/shmem.ts';
import { adjustHuge } from '../huge/adjust.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { placeAnew } from '../hugetlb/i_mmap.ts';
import { closeHugetlb, openHugetlb } from '../hugetlb/reserve.ts';
import { hugetlbSplit } from '../hugetlb/unshare.ts';
import type { HugetlbPrivate } from '../hugetlb/vma_lock.ts';
import type { AnonVma } from '../rmap/anon_vma.ts';
import {
  copyChain,
  linkFile,
  lockLinks,
  unlinkAnonVmas,
  unlinkFile,
  unlockLinks,
} from '../rmap/links.ts';
import type { Task } from '../task.ts';
import type { Userfaultfd } from '../userfaultfd/context.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { type MappedFile, newVma, VM_SPECIAL, VM_STICKY, type Vma } from './vma.ts';
import { attachVma, detachVma, freeVma, vmaStartWrite } from './vma_lock.ts';

/** What a VMA to be would look like. */
export interface Proposal {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly file: MappedFile | undefined;
  readonly pgoff: number;
  readonly anonVma: AnonVma | undefined;
  /** As that of a VMA; empty of new mappings, and of what a VMA is to grow by. */
  readonly chain: readonly AnonVma[];
  readonly hugetlb?: HugetlbPrivate | undefined;
  readonly userfaultfd?: Userfaultfd | undefined;
}

/** Maps space that is free by a VMA of its own. */
export function* insertNew(task: Task, proposal: Proposal): Op<Vma> {
  const { machine, cpu, mm } = task;
  const vma = newVma(proposal);
  if (vma.hugetlb?.lock !== undefined) vma.hugetlb.lock.vma = vma;
  yield* lockLinks(task, proposal);
  yield* attachVma(machine, cpu, mm, vma);
  linkFile(mm, vma);
  if (proposal.anonVma !== undefined) copyChain(mm, vma, proposal as Vma);
  yield* unlockLinks(task, proposal);
  return vma;
}

/**
 * Maps free space by growing a neighbour, or two into one.
 *
 * @returns the VMA that now has the space, or `undefined` if a new one is needed
 */
export function* mergeNew(task: Task, proposal: Proposal): Op<Vma | undefined> {
  const { start, end } = proposal;
  const { vmas } = task.mm;
  const previous = vmas.below(start);
  const next = vmas.find(end);
  const left = previous !== undefined && canJoin(previous, proposal) ? previous : undefined;
  const isRight =
    next !== undefined &&
    canJoin(proposal, next) &&
    (left === undefined || haveOneAnonVma(left, next));
  if (left === undefined) {
    if (!isRight) return undefined;
    yield* growDown(task, next, start, proposal);
    return next;
  }
  if (isRight && mayVanish(next)) yield* absorb(task, left, next, proposal);
  else yield* moveBounds(task, left, left.start, end, proposal);
  return left;
}

/** Like `mergeNew()` with the VMA below only. */
export function* extend(task: Task, previous: Vma, proposal: Proposal): Op<boolean> {
  if (!canJoin(previous, proposal)) return false;
  yield* moveBounds(task, previous, previous.start, proposal.end, proposal);
  return true;
}

/**
 * Gives the part `[start, end)` of `vma` other flags. It joins neighbours that now look the same;
 * otherwise it is split off.
 *
 * @param  watcher the userfaultfd that is told of its faults from now on; `null` for none
 * @returns the VMA that now has the part, ENOMEM if there may be no more VMAs, or EINVAL if it may not
 *          be divided there
 */
export function* modifyFlags(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  flags: number,
  watcher: Userfaultfd | null | undefined = vma.userfaultfd,
): Op<Vma | number> {
  const userfaultfd = watcher ?? undefined;
  if (task.machine.designs.length === 0) {
    return yield* modify(task, vma, start, end, flags, userfaultfd);
  }
  yield* beforeChange(task, vma, start, end, Change.FLAGS);
  const modified = yield* modify(task, vma, start, end, flags, userfaultfd);
  yield* afterChange(task, vma);
  return modified;
}

function* modify(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  flags: number,
  userfaultfd: Userfaultfd | undefined,
): Op<Vma | number> {
  const merged = yield* mergeExisting(task, vma, start, end, flags, userfaultfd);
  if (merged !== undefined) return merged;
  let part = vma;
  if (part.start < start) {
    if (task.mm.isFull) return ENOMEM;
    if (!maySplit(part, start)) return EINVAL;
    part = yield* splitVma(task, part, start);
  }
  if (part.end > end) {
    if (task.mm.isFull) return ENOMEM;
    if (!maySplit(part, end)) return EINVAL;
    yield* splitVma(task, part, end);
  }
  yield* vmaStartWrite(task.machine, task.mm, part);
  yield writing(task.machine.objects.tree(task.mm.id));
  part.flags = flags;
  part.userfaultfd = userfaultfd;
  return part;
}

function* mergeExisting(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  flags: number,
  userfaultfd: Userfaultfd | undefined,
): Op<Vma | undefined> {
  const { vmas } = task.mm;
  const pgoff = vma.pgoff + start - vma.start;
  const part: Proposal = { ...vma, start, end, flags, pgoff, userfaultfd };
  const previous = vma.start === start ? vmas.previous(vma) : undefined;
  const next = vma.end === end ? vmas.next(vma) : undefined;
  const left = previous !== undefined && canJoin(previous, part) ? previous : undefined;
  const right = next !== undefined && canJoin(part, next) ? next : undefined;
  const isWhole = vma.start === start && vma.end === end;
  if (isWhole && !mayVanish(vma)) return undefined;
  if (left !== undefined) {
    const isBoth = right !== undefined && haveOneAnonVma(left, right);
    if (vma.end === end) yield* absorb(task, left, vma, vma);
    else yield* moveBorder(task, left, vma, end);
    if (isBoth) yield* absorb(task, left, right, right);
    return left;
  }
  if (right === undefined) return undefined;
  if (vma.start === start) {
    yield* vmaStartWrite(task.machine, task.mm, vma);
    yield* absorbBelow(task, vma, right);
  } else yield* moveBorder(task, vma, right, start);
  return right;
}

/** Whether a VMA may be divided at `page`. @source mm/hugetlb.c hugetlb_vm_op_split() */
export function maySplit(vma: Vma, page: number): boolean {
  return !isHugetlb(vma) || page % hstateOf(vma).pages === 0;
}

/** Divides a VMA: it keeps what is below `page`, the new one has the rest and is returned. */
export function* splitVma(task: Task, vma: Vma, page: number): Op<Vma> {
  const { machine, cpu, mm } = task;
  const pgoff = vma.pgoff + page - vma.start;
  const upper = newVma({ ...vma, start: page, pgoff });
  if (isHugetlb(vma)) {
    openHugetlb(task, upper, vma, false);
    if (machine.bugs.unshareBeforeSplit === true) yield* hugetlbSplit(task, vma, page);
  }
  yield* vmaStartWrite(machine, mm, vma);
  yield* lockLinks(task, vma);
  yield* adjustHuge(task, vma, page);
  const isUnshared = machine.bugs.splitWithoutUnshare !== true;
  if (isHugetlb(vma) && isUnshared && machine.bugs.unshareBeforeSplit !== true) {
    yield* hugetlbSplit(task, vma, page);
  }
  if (isHugetlb(vma)) placeAnew(vma.file!.inode, vma);
  yield writing(machine.objects.tree(mm.id));
  mm.vmas.resize(vma, vma.start, page);
  yield* attachVma(machine, cpu, mm, upper);
  linkFile(mm, upper);
  copyChain(mm, upper, vma);
  yield* unlockLinks(task, vma);
  return upper;
}

/** Removes a VMA that maps nothing any more from all lists. Called when it is detached. */
export function* dropVma(task: Task, vma: Vma): Op<void> {
  const { file } = vma;
  const links = { file, anonVma: vma.chain[0] };
  yield* lockLinks(task, links);
  unlinkFile(vma);
  unlinkAnonVmas(task, vma);
  yield* unlockLinks(task, links);
  if (isHugetlb(vma)) yield* closeHugetlb(task, vma);
  if (file !== undefined) yield* putInode(task, file.inode);
}

/** Lets a VMA forget its private pages, which have all gone. Called under its write lock. */
export function* dropAnonVmas(task: Task, vma: Vma): Op<void> {
  const links = { file: undefined, anonVma: vma.chain[0] };
  yield* lockLinks(task, links);
  unlinkAnonVmas(task, vma);
  yield* unlockLinks(task, links);
}

/** Whether `lower` and `upper`, which touch, can be one. */
function canJoin(lower: Proposal, upper: Proposal): boolean {
  return (
    lower.end === upper.start &&
    ((lower.flags ^ upper.flags) & ~VM_STICKY) === 0 &&
    (lower.flags & VM_SPECIAL) === 0 &&
    lower.file === upper.file &&
    lower.userfaultfd === upper.userfaultfd &&
    lower.pgoff + (lower.end - lower.start) === upper.pgoff &&
    areCompatible(lower, upper)
  );
}

/** Whether a merge may remove a VMA: attachments of a segment are counted by their VMAs. */
const mayVanish = ({ file }: Vma): boolean => file?.isSegment !== true;

/**
 * One has no private pages yet, and the other none that it shares with a parent; or the same. Whether
 * it shares some is not asked of a VMA that grows.
 */
function areCompatible(one: Proposal, other: Proposal): boolean {
  const hasParent = ({ chain }: Proposal): boolean => chain.length > 1;
  if (one.anonVma === other.anonVma) return true;
  if (one.anonVma === undefined) return !hasParent(other);
  return other.anonVma === undefined && !hasParent(one);
}

/** Of two that can both join what is between them. @source mm/vma.c can_vma_merge_right() (Linux 6.18) */
function haveOneAnonVma({ anonVma: one }: Vma, { anonVma: other }: Vma): boolean {
  return one === undefined || other === undefined || one === other;
}

/** Moves the bounds of `vma`, which takes over the anon_vmas of `source` if it has none. */
export function* moveBounds(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  source: Pick<Proposal, 'anonVma' | 'chain' | 'flags'>,
): Op<void> {
  const { machine, mm } = task;
  yield* vmaStartWrite(machine, mm, vma);
  const links = { file: vma.file, anonVma: vma.anonVma ?? source.anonVma };
  yield* lockLinks(task, links);
  yield writing(machine.objects.tree(mm.id));
  vma.pgoff += start - vma.start;
  vma.flags |= source.flags & VM_STICKY;
  mm.vmas.resize(vma, start, end);
  if (vma.anonVma === undefined && source.anonVma !== undefined) {
    copyChain(mm, vma, source as Vma);
  }
  yield* unlockLinks(task, links);
}

function* growDown(task: Task, vma: Vma, start: number, source: Proposal): Op<void> {
  yield* moveBounds(task, vma, start, vma.end, source);
}

/** Lets `lower` reach to the end of `upper`, which goes. */
function* absorb(task: Task, lower: Vma, upper: Vma, source: Proposal): Op<void> {
  const { machine, cpu, mm } = task;
  yield* vmaStartWrite(machine, mm, lower);
  yield* vmaStartWrite(machine, mm, upper);
  const { end } = upper;
  const from = upper.anonVma === undefined ? source : upper;
  const links = { file: lower.file, anonVma: lower.anonVma ?? from.anonVma };
  yield* lockLinks(task, links);
  yield* detachVma(machine, cpu, mm, upper);
  lower.flags |= (upper.flags | source.flags) & VM_STICKY;
  mm.vmas.resize(lower, lower.start, end);
  if (lower.anonVma === undefined && from.anonVma !== undefined) copyChain(mm, lower, from as Vma);
  unlinkFile(upper);
  unlinkAnonVmas(task, upper);
  yield* unlockLinks(task, links);
  freeVma(upper);
}

/** Lets `upper` reach to the start of `lower`, which goes. */
function* absorbBelow(task: Task, lower: Vma, upper: Vma): Op<void> {
  const { machine, cpu, mm } = task;
  yield* vmaStartWrite(machine, mm, upper);
  const { start } = lower;
  const links = { file: upper.file, anonVma: upper.anonVma ?? lower.anonVma };
  yield* lockLinks(task, links);
  yield* detachVma(machine, cpu, mm, lower);
  upper.pgoff -= upper.start - start;
  upper.flags |= lower.flags & VM_STICKY;
  mm.vmas.resize(upper, start, upper.end);
  if (upper.anonVma === undefined && lower.anonVma !== undefined) copyChain(mm, upper, lower);
  unlinkFile(lower);
  unlinkAnonVmas(task, lower);
  yield* unlockLinks(task, links);
  freeVma(lower);
}

/** Lets `lower` end and `upper` start at `page`; the one that grows may need the other's anon_vmas. */
function* moveBorder(task: Task, lower: Vma, upper: Vma, page: number): Op<void> {
  const { machine, mm } = task;
  yield* vmaStartWrite(machine, mm, lower);
  yield* vmaStartWrite(machine, mm, upper);
  const [grows, shrinks] = page > upper.start ? [lower, upper] : [upper, lower];
  const links = { file: lower.file, anonVma: grows.anonVma ?? shrinks.anonVma };
  yield* lockLinks(task, links);
  yield* adjustHuge(task, shrinks, page);
  yield writing(machine.objects.tree(mm.id));
  grows.flags |= shrinks.flags & VM_STICKY;
  if (grows === lower) {
    upper.pgoff += page - upper.start;
    mm.vmas.resize(upper, page, upper.end);
    mm.vmas.resize(lower, lower.start, page);
  } else {
    mm.vmas.resize(lower, lower.start, page);
    upper.pgoff -= upper.start - page;
    mm.vmas.resize(upper, page, upper.end);
  }
  if (grows.anonVma === undefined && shrinks.anonVma !== undefined) copyChain(mm, grows, shrinks);
  yield* unlockLinks(task, links);
}
