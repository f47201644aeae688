/** What entries of huge pages say. */
import { ACCESSED, DIRTY, type LeafFlags, R, USER, W, X } from '../../arch/index.ts';
import { isAccessible, VM, type Vma } from '../vma/vma.ts';

/**
 * The flags of a new entry of `vma`. What nobody may access is mapped for who forces it.
 *
 * @source mm/hugetlb.c make_huge_pte() (Linux 6.18)
 */
export function leafFlags(vma: Vma, mayWrite: boolean): LeafFlags {
  if (!isAccessible(vma)) return ACCESSED;
  const isWritable = mayWrite && (vma.flags & VM.WRITE) !== 0;
  const execute = (vma.flags & VM.EXEC) === 0 ? 0 : X;
  return R | USER | ACCESSED | execute | (isWritable ? W | DIRTY : 0);
}
