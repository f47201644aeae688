/** What private pages belong to: the VMAs that may map them, in one process and its children. */
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';

/** @source include/linux/rmap.h struct anon_vma (Linux 6.18) */
export interface AnonVma {
  readonly id: number;
  /** Whose lock guards the lists of the whole family: of the first process that had it. */
  readonly root: AnonVma;
  readonly parent: AnonVma;
  /** How many have this as their parent, itself included if it is a root. */
  children: number;
  /** VMAs whose own anon_vma it is. */
  activeVmas: number;
  /** All VMAs that have it in their chain, with whose they are. Guarded by the lock of the root. */
  readonly vmas: Map<Vma, Mm>;
}
