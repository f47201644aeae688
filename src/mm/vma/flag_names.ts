/** `vm_flags` as smaps shows them. */
import { VM } from './vma.ts';

/** By bit, upwards. @source Documentation/filesystems/proc.rst, VmFlags */
const NAMES: readonly (readonly [string, number])[] = [
  ['rd', VM.READ],
  ['wr', VM.WRITE],
  ['ex', VM.EXEC],
  ['sh', VM.SHARED],
  ['mr', VM.MAYREAD],
  ['mw', VM.MAYWRITE],
  ['me', VM.MAYEXEC],
  ['ms', VM.MAYSHARE],
  ['gd', VM.GROWSDOWN],
  ['um', VM.UFFD_MISSING],
  ['pf', VM.PFNMAP],
  ['gu', VM.MAYBE_GUARD],
  ['uw', VM.UFFD_WP],
  ['lo', VM.LOCKED],
  ['io', VM.IO],
  ['sr', VM.SEQ_READ],
  ['rr', VM.RAND_READ],
  ['dc', VM.DONTCOPY],
  ['de', VM.DONTEXPAND],
  ['lf', VM.LOCKONFAULT],
  ['ac', VM.ACCOUNT],
  ['nr', VM.NORESERVE],
  ['ht', VM.HUGETLB],
  ['sf', VM.SYNC],
  ['wf', VM.WIPEONFORK],
  ['dd', VM.DONTDUMP],
  ['mm', VM.MIXEDMAP],
  ['hg', VM.HUGEPAGE],
  ['nh', VM.NOHUGEPAGE],
  ['mg', VM.MERGEABLE],
  ['dp', VM.DROPPABLE],
  ['ui', VM.UFFD_MINOR],
];

/** Two letters for each flag that is set, in the order of smaps. */
export function flagNames(flags: number): string[] {
  return NAMES.filter(([, bit]) => flags & bit).map(([name]) => name);
}
