/** Which VMAs may share their tables, and with whom. */
import { pgoffAt, VM, VM_ACCESS, type Vma } from '../../mm/vma/vma.ts';
import type { Options } from './options.ts';

/** Pages `[start, end)`, all that one table spans. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What is not pages of a file at their places (VM_INSERTPAGE is VM_MIXEDMAP today). */
const SPECIAL = VM.PFNMAP | VM.MIXEDMAP | VM.IO | VM.HUGETLB | VM.MAYBE_GUARD | VM.UFFD_WP;

/**
 * Whether `vma` may have a table for `span` that others have, too: of a file, all of the span its own,
 * and without private pages, now or by a write. Private text that nobody may write to is shared.
 *
 * @source pt_shareable() of May 2006; the anon_vma: Hugh Dickins, January 2006
 * @omits  VM_NONLINEAR, which Linux 6.18 has no more
 */
export function isShareable(vma: Vma, { start, end }: Span, { mistakes }: Options): boolean {
  if (vma.file === undefined || vma.file.design !== undefined) return false;
  if ((vma.flags & SPECIAL) !== 0) return false;
  if ((vma.flags & (VM.SHARED | VM.WRITE)) === VM.WRITE) return false;
  if ((vma.flags & VM.LOCKED) !== 0 && mistakes.sharesLocked !== true) return false;
  if (vma.anonVma !== undefined && mistakes.ignoresAnonVma !== true) return false;
  return vma.start <= start && end <= vma.end;
}

/** Whether tables of `other`, a VMA of the same file, are those that `vma` would fill itself. */
export function isDonor(vma: Vma, other: Vma, span: Span, options: Options): boolean {
  const compared = options.comparesAllFlags ? -1 : VM_ACCESS | VM.SHARED;
  return (
    other !== vma &&
    other.start === vma.start &&
    other.end === vma.end &&
    pgoffAt(other, span.start) === pgoffAt(vma, span.start) &&
    ((other.flags ^ vma.flags) & compared) === 0 &&
    isShareable(other, span, options)
  );
}
