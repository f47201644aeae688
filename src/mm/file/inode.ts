/** What files are to memory management: an inode, its size, its page cache, who maps it. */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { HugetlbInode } from '../hugetlb/hstate.ts';
import type { Machine } from '../machine.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import { PageCache } from './page_cache.ts';

/**
 * Which file system. `shmem` is memory that no name leads to: shared anonymous memory, memfd, SysV
 * segments; a tmpfs has files of the same kind. Others have a disk behind them.
 */
export type FileSystem = 'shmem' | 'tmpfs' | 'ext4' | 'hugetlbfs' | 'msharefs';

/** @source include/linux/fs.h struct inode, struct address_space (Linux 6.18) */
export interface Inode {
  readonly id: number;
  readonly fileSystem: FileSystem;
  /** How mmap(2) places it: `plain`, or by the 2 MiB like files of ext4, xfs and btrfs. */
  readonly placement: 'plain' | 'huge';
  /** Of hugetlbfs only. */
  readonly hugetlb: HugetlbInode | undefined;
  /** i_size, in bytes. Read without a lock: object `pages`. */
  bytes: number;
  /**
   * Of files in memory: up to which page fallocate(2) has made some, which may lie behind the end.
   * Guarded by i_rwsem.
   */
  allocatedEnd: number;
  /** Those that are in memory. Changed under `pagesLock`; read without it: object `pages`. */
  readonly pages: PageCache;
  /** What the disk has of pages that are not in memory, by index; zeroes elsewhere. */
  readonly disk: Map<number, number>;
  /** i_mmap: all VMAs that map it, with whose they are. Guarded by `iMmapLock`. */
  readonly mappings: Map<Vma, Mm>;
  /** Open files, segments and VMAs that keep it: at 0 it goes, with its pages. */
  references: number;
  /** The design whose file it is, which then has no pages (`../design/design.ts`). */
  readonly design?: string;
}

/** A new, empty file. The caller has the one reference to it, or says how many there are. */
export function newInode(
  machine: Machine,
  cpu: number,
  {
    fileSystem,
    placement = fileSystem === 'ext4' ? 'huge' : 'plain',
    hugetlb,
    bytes = 0,
    references = 1,
    design,
  }: Pick<Inode, 'fileSystem'> & Partial<Inode>,
): Inode {
  return machine.inodes.add(cpu, (id) => ({
    id,
    fileSystem,
    placement,
    hugetlb,
    bytes,
    allocatedEnd: 0,
    pages: new PageCache(),
    disk: new Map(),
    mappings: new Map(),
    references,
    ...(design !== undefined && { design }),
  }));
}

/** How many pages the file has: those behind can be mapped, but not accessed. */
export function pagesOfInode({ bytes }: Inode): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

/**
 * Behind which page the file has none: where it ends, or what fallocate(2) has made for later.
 *
 * @source include/linux/shmem_fs.h shmem_fallocend()
 */
export function endOfPages(inode: Inode): number {
  return Math.max(pagesOfInode(inode), inode.allocatedEnd);
}

/** Whether its pages live in memory only, and are made when they are first touched. */
export function isMemory({ fileSystem }: Inode): boolean {
  return fileSystem === 'shmem' || fileSystem === 'tmpfs';
}

/** Whether what is written to its pages goes to a disk in the end. */
export function hasDisk({ fileSystem }: Inode): boolean {
  return fileSystem === 'ext4';
}
