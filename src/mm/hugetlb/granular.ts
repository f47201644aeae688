/**
 * Where pages of hugetlb may be mapped in pieces: what a design does in place of hugetlb itself.
 *
 * A VMA is of this kind once it was told so (MADV_SPLIT), and only on a machine with such a design; all
 * others are mapped by one entry for each page, as in Linux.
 */
import type { Access } from '../fault/result.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import type { Ended } from './told.ts';

/**
 * How a folio of hugetlb counts who maps it: entries of whatever size that map it; entries of its own
 * size that are not empty, whether they map it or refer to a table; or, as transparent huge pages do,
 * entries of its own size at the folio, and smaller ones at each small page that they map.
 */
export type HugetlbCounting = 'entries' | 'top' | 'subpages';

/** A fault under way, under its mutex and the lock of its VMA (read). */
export interface GranularFault {
  readonly vma: Vma;
  /** The small page. */
  readonly page: number;
  /** The huge page of the file. */
  readonly index: number;
  readonly access: Access;
  /** A frame of a page that is just being moved, which the fault has to wait for, or `NONE`. */
  movedFrom: number;
}

/** A feature of userfaultfd by which a program asks for pieces. */
export interface GranularFeature {
  /** Of UFFDIO_API. */
  readonly bit: number;
  /** What has to be agreed on with it. */
  readonly needs: number;
  /** UFFDIO_REGISTER of `vma`, of hugetlb, with it: under the mmap write lock. @returns 0 or a negative errno */
  readonly register: (task: Task, vma: Vma) => Op<number>;
}

/** What is asked of a VMA that is granular. Locks are those that hugetlb has there. */
export interface Granular {
  readonly counting: HugetlbCounting;
  /** None where madvise(MADV_SPLIT) asks for pieces. */
  readonly feature?: GranularFeature;
  readonly fault: (task: Task, fault: GranularFault) => Op<Ended>;
  /** Whether nothing is mapped at `page`: a fault there goes on waiting for userfaultfd. */
  readonly isMissing: (task: Task, vma: Vma, page: number) => Op<boolean>;
  /** `unmapHugepageRange()`: whole huge pages. */
  readonly unmap: (task: Task, vma: Vma, start: number, end: number) => Op<void>;
  /** Whether anything of `page`, a huge one, is mapped to the folio `head`. */
  readonly maps: (task: Task, vma: Vma, page: number, head: number) => Op<boolean>;
  /** `hugetlbChangeProtection()`, without its flush. */
  readonly protect: (task: Task, vma: Vma, start: number, end: number) => Op<void>;
  /** `moveHugetlbPageTables()`, without its flush. @returns whether there was memory for tables */
  readonly move: (
    task: Task,
    vma: Vma,
    start: number,
    target: number,
    pages: number,
  ) => Op<boolean>;
  /** `copyHugetlbRange()`. @returns 0 or a negative errno */
  readonly copy: (task: Task, child: Mm, to: Vma, from: Vma) => Op<number>;
  /** GUP, as `Followed` says. */
  readonly follow: (
    task: Task,
    vma: Vma,
    page: number,
    isWrite: boolean,
    isPin: boolean,
  ) => Op<number>;
  /** mincore(2). */
  readonly look: (
    task: Task,
    vma: Vma,
    start: number,
    end: number,
    resident: Uint8Array,
  ) => Op<void>;
  /** UFFDIO_CONTINUE, of small pages. @returns how many were mapped, or a negative errno */
  readonly fillRange: (task: Task, vma: Vma, start: number, end: number) => Op<number>;
  /** madvise(MADV_SPLIT), of any VMA. @returns 0 or a negative errno */
  readonly split: (task: Task, vma: Vma, start: number, end: number) => Op<number>;
  /** madvise(MADV_COLLAPSE), of any VMA of hugetlb. @returns 0 or a negative errno */
  readonly collapse: (task: Task, vma: Vma, start: number, end: number) => Op<number>;
}

/** What maps pages in pieces on this machine, if anything does. */
export function granularDesign({ designs }: Pick<Machine, 'designs'>): Granular | undefined {
  if (designs.length === 0) return undefined;
  return designs.find(({ granular }) => granular !== undefined)?.granular;
}

/** The same for a VMA; `undefined` of all others. */
export function granularOf(machine: Machine, { hugetlb }: Vma): Granular | undefined {
  return hugetlb?.isGranular === true ? granularDesign(machine) : undefined;
}
