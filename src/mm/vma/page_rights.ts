/** What entries of a VMA may say: `vm_page_prot`. */
import { type LeafFlags, R, USER, W, X } from '../../arch/index.ts';
import { hasDisk } from '../file/inode.ts';
import { isAccessible, VM, type Vma } from './vma.ts';

const SHARED_WRITABLE = VM.SHARED | VM.WRITE;

/**
 * Whether pages that are shared and clean are write-protected: ext4 wants to know of the first write,
 * memory that is a file does not.
 *
 * @source mm/mmap.c vma_wants_writenotify() (Linux 6.18)
 */
export function wantsWriteNotify(vma: Vma): boolean {
  const isSharedWritable = (vma.flags & SHARED_WRITABLE) === SHARED_WRITABLE;
  return isSharedWritable && vma.file !== undefined && hasDisk(vma.file.inode);
}

/**
 * The rights that any page of `vma` may have: what is private, or wants to know of the first write,
 * does without writing.
 *
 * @source mm/mmap.c vma_set_page_prot() (Linux 6.18)
 */
export function pageRights(vma: Vma): LeafFlags {
  if (!isAccessible(vma)) return 0;
  const isShared = (vma.flags & SHARED_WRITABLE) === SHARED_WRITABLE;
  // What userfaultfd write-protects is told apart by its entry.
  const isNotified = wantsWriteNotify(vma) || (vma.flags & VM.UFFD_WP) !== 0;
  const isWritable = isShared && !isNotified;
  return R | USER | ((vma.flags & VM.EXEC) === 0 ? 0 : X) | (isWritable ? W : 0);
}
