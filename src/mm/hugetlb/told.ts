/** How faults on huge pages end, and what userfaultfd is told of them once their locks are dropped. */
import type { Fault } from '../fault/result.ts';
import type { Reason } from '../userfaultfd/context.ts';
import { VM } from '../vma/vma.ts';

/** A fault of which userfaultfd is to be told. No `Fault`. */
export const Told = { MISSING: -1, MINOR: -2, WP: -3 } as const;
export type Ended = Fault | (typeof Told)[keyof typeof Told];

export function reasonOf(told: Ended): Reason {
  if (told === Told.MISSING) return VM.UFFD_MISSING;
  return told === Told.MINOR ? VM.UFFD_MINOR : VM.UFFD_WP;
}
