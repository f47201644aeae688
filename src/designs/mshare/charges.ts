/**
 * Who pays for a region: counted at the host, which has all its pages and tables. Guests pay nothing
 * but their own root (and P4D) tables: linking charges nobody.
 *
 * @source v3 22/22: pages and tables that faults allocate are charged to the memory cgroup of the
 *         owner; v1 and v2: to that of the file
 * @omits  memory cgroups: who is charged is said, nothing is limited
 */
import type { Machine } from '../../mm/machine.ts';
import { hostOf, type Owner, type Region } from './region.ts';
import type { MshareVariant } from './variant.ts';

export interface Charges {
  /** Resident pages, and page tables with the root of the host. */
  readonly pages: number;
  readonly tables: number;
  /** The thread whose memory cgroup pays, or `undefined`: that of the file. */
  readonly payer: Owner | undefined;
  /** Whether that thread has ended: mm->owner of the host is not updated (found by inference). */
  readonly isPayerGone: boolean;
}

export function chargesOf(variant: MshareVariant, machine: Machine, region: Region): Charges {
  const { rss, tables } = hostOf(machine, region);
  const isOwners = variant.charges === 'owner';
  return {
    pages: rss.reduce((sum, pages) => sum + pages, 0),
    tables: tables + 1,
    payer: isOwners ? region.maker : undefined,
    isPayerGone: isOwners && region.owner === undefined,
  };
}
