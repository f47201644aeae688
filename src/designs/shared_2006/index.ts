/**
 * The generic shared page tables of Dave McCracken (2005-2006), on the locks of Linux 6.18.
 *
 * Processes that map the same part of a file at the same address in the same way have one PTE table,
 * or PMD table, for it. Who finds none at a fault looks for a process that has one; who is about to
 * change its own leaves the shared one first, and faults in again what it needs. See
 * `docs/shared_2006.md`.
 *
 * @source LKML: the patches of August 2005 (2.6.13), January 2006 (2.6.15), May 2006 (2.6.17-rc3), and
 *         their reviews
 * @omits  remap_file_pages(), hugetlb pages, files mapped by huge pages in shared PMD tables
 */
import type { Design } from '../../mm/design/design.ts';
import { Fault } from '../../mm/fault/result.ts';
import { afterChange, beforeChange } from './change.ts';
import { flushWhereShared } from './flush.ts';
import { copyShared } from './fork.ts';
import { type Options, REVIEWED } from './options.ts';
import { beforePrivatePage, isForcedCopy } from './private_page.ts';
import { shareAt } from './share.ts';
import { leaveTable } from './unshare.ts';

export { type Account, accounts, auditAccounts } from './accounting.ts';
export { type Mistakes, type Options, POSTED_MAY_2006, REVIEWED, SEGMENTS } from './options.ts';

export function shared2006(options: Options = REVIEWED): Design {
  const { mistakes } = options;
  const isStrict = mistakes.ignoresAnonVma !== true && mistakes.asksAnonVmaOnce !== true;
  return {
    name: '2006',
    keepsCounters: false,
    *prepareFault(task, vma, page, access, held) {
      if (vma.file === undefined) return Fault.DONE;
      if (isStrict && isForcedCopy(vma, access)) {
        return yield* beforePrivatePage(task, vma, page, held, options);
      }
      yield* shareAt(task, vma, page, options);
      return Fault.DONE;
    },
    giveUp: (task, page, slot, level) => leaveTable(task, page, slot, level, options),
    beforeChange: (task, vma, start, end, change) =>
      beforeChange(task, vma, { start, end }, change, options),
    afterChange,
    copyRange: (task, child, to, from) => copyShared(task, child, to, from, options),
    *flushShared(world, cpu, mm, page) {
      if (mistakes.flushesOneMm === true) return false;
      return yield* flushWhereShared(world, cpu, mm, page);
    },
  };
}
