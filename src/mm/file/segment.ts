/** SysV segments: memory that processes attach by its number. */
import type { Inode } from './inode.ts';

/** @source ipc/shm.c struct shmid_kernel (Linux 6.18) */
export interface Segment {
  readonly id: number;
  readonly inode: Inode;
  readonly bytes: number;
  /** Whether it goes when nobody has it attached any more. */
  isDestroyed: boolean;
}
