/** What mmap(2), memfd_create(2) and shmget(2) ask of hugetlb. */
import { EINVAL } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { OpenFile } from '../file/open_file.ts';
import type { Task } from '../task.ts';
import { pagesOf, wrap } from '../vma/pages.ts';
import { newHugetlbInode } from './file.ts';
import { hstateBySizeLog } from './hstate.ts';

/** MAX_LFS_FILESIZE */
const PAGES_MAX = 2 ** 51;

/** A file that can do everything. */
export function openHugetlbFile(mapped: NonNullable<OpenFile['mapped']>): OpenFile {
  const rights = { isReadable: true, isWritable: true, isExecutable: true };
  return { mapped, ...rights, pagesMax: PAGES_MAX };
}

/**
 * The file of anonymous memory of huge pages, for an mmap(2) of `length` bytes: nobody has it open.
 *
 * @returns the file, or EINVAL for a size that there is not
 */
export function newAnonymousHugetlb(
  task: Task,
  flags: number,
  length: number,
): OpenFile | typeof EINVAL {
  const hstate = hstateBySizeLog(task.machine, flags);
  if (hstate === undefined) return EINVAL;
  const bytes = roundUp(length, hstate.pages) * PAGE_BYTES;
  return openHugetlbFile({ inode: newHugetlbInode(task, hstate, { bytes, references: 0 }) });
}

/** How many small pages a length takes in whole pages of `pages`; a length of the last wraps to 0. */
export function roundUp(length: number, pages: number): number {
  return wrap(Math.ceil(pagesOf(length) / pages) * pages);
}
