/** What /proc shows: a machine, and what its memory does not tell. */
import type { Inode, Machine, Mm, WalkForm } from '../mm/index.ts';

/** What maps calls a file. */
export interface FileName {
  /** `major:minor` in hexadecimal, of two digits at least. */
  readonly device: string;
  readonly inode: string;
  /** With ` (deleted)` if it is. */
  readonly path: string;
}

export interface ProcProcess {
  readonly pid: number;
  readonly parent: number;
  /** At most 15 characters, as prctl(PR_SET_NAME) keeps them. */
  readonly name: string;
  readonly mm: Mm;
  /** The CPU that it last ran on. */
  readonly cpu: number;
  /** In bytes, if a program was executed: its code, and where its stack started. */
  readonly codeStart?: number;
  readonly codeEnd?: number;
  readonly stackStart?: number;
}

export interface ProcHost {
  readonly machine: Machine;
  readonly processes: readonly ProcProcess[];
  /** How tables are walked, if not as Linux 6.18 does. */
  readonly walkForm?: WalkForm;
  nameOf(inode: Inode): FileName;
}
