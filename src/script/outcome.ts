/** What became of the calls of a script, as data. */
import type { Value } from './language/evaluate.ts';
import type { MachineView } from './view/view.ts';

/** A touch that a signal would have ended. @source uapi/asm-generic/siginfo.h */
export interface Signal {
  readonly name: 'SIGSEGV' | 'SIGBUS' | 'SIGKILL';
  readonly code: 'SEGV_MAPERR' | 'SEGV_ACCERR' | 'BUS_ADRERR' | 'SI_KERNEL';
  /** The byte that was touched. */
  readonly address: bigint;
}

export type Outcome =
  /** `text` is the value as strace(1) would write it; `note` says what it stands for. */
  | {
      readonly kind: 'returned';
      readonly value: bigint;
      readonly text: string;
      readonly note?: string;
    }
  | { readonly kind: 'failed'; readonly errno: number; readonly note?: string }
  | { readonly kind: 'signalled'; readonly signal: Signal }
  /** A touch that waits for userfaultfd: it is in the queue, and to be tried again when that is done. */
  | { readonly kind: 'waiting'; readonly address: bigint }
  /** Address spaces, to be drawn whole or in part. */
  | { readonly kind: 'shown'; readonly view: MachineView; readonly part: 'all' | 'vmas' | 'tables' }
  | { readonly kind: 'text'; readonly lines: readonly string[] };

/** One call that was performed. */
export interface Step {
  readonly line: number | undefined;
  /** Who performed it, and where. */
  readonly pid: number;
  readonly cpu: number;
  readonly name: string;
  /** As strace(1) would write it: `munmap(0x7ffff7a00000, 4M)`. */
  readonly call: string;
  /** Its arguments, those that were left out included. */
  readonly values: readonly Value[];
  readonly outcome: Outcome;
  /** What the address space of that process has now more, or less, than before. */
  readonly pages: number;
  readonly tables: number;
}
