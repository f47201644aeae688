/** How large a machine is: all its memory is laid out when it is made. */
import type { PteFormat } from '../arch/index.ts';

export interface MachineSize {
  readonly format: PteFormat;
  readonly cpus: number;
  /** Address spaces. */
  readonly mms: number;
  /** Physical frames for data; page tables have their own. */
  readonly frames: number;
  readonly tables: number;
  /** Most VMAs of one address space. */
  readonly vmas: number;
  /** Most pages, and most tables, that an unmapping collects before it flushes. */
  readonly gather: number;
  /** How a CPU flushes the TLBs of others: by interrupt, or by an instruction that reaches all. */
  readonly flush: 'interrupt' | 'broadcast';
}
