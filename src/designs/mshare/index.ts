/**
 * mshare: regions of 512 GiB and more whose page tables all who attach them share.
 *
 * A file of msharefs owns an address space that no task runs in, the *host*. Objects are mapped into it
 * through the file. A process that maps the file, a *guest*, gets one VMA, and an entry in its root
 * table for each 512 GiB that refers to the table of the host. So every page table of the region is there
 * once, and a page that one guest has faulted in is there for all.
 *
 *     guest A: root [255] ─┐                         ┌─► PMD tables ─► PTE tables
 *     guest B: root [254] ─┼─► PUD table of the host ┤
 *     host:    root [1]   ─┘                         └─► ...
 *
 * Files, in the order to read them: `variant`, `region`, `msharefs`, `size`, `objects`, `attach`,
 * `fault`, `link`, `flush`, `forward`, `vm_ops`, `owner`, `evict`.
 */
import type { Design } from '../../mm/design/design.ts';
import { evictRegions, putOff } from './evict.ts';
import { flushGuests, noteLoaded } from './flush.ts';
import { forwarder } from './forward.ts';
import { giveUp, keepsTable } from './link.ts';
import { exitMshare, keepOwner } from './owner.ts';
import { passCall } from './pass.ts';
import { MSHARE } from './region.ts';
import { allocate, truncate } from './size.ts';
import type { MshareVariant } from './variant.ts';
import { vmOps } from './vm_ops.ts';

export { type Charges, chargesOf } from './charges.ts';
export { auditMshare, linksOf } from './invariants.ts';
export { ioctl } from './ioctl.ts';
export * as msharefs from './msharefs.ts';
export type { Caller } from './objects.ts';
export {
  alignment,
  dataOf,
  hostOf,
  hostPage,
  LINK_LEVEL,
  MSHARE,
  type Region,
  regionOfHost,
  regionOfInode,
} from './region.ts';
export * from './structures.ts';
export * from './syscalls.ts';
export {
  type Flush,
  flushVariants,
  MENDED,
  type MshareVariant,
  PROPOSALS,
  type Unlink,
  V2,
  V3,
} from './variant.ts';

/** The design, in one of its variants. */
export function mshare(variant: MshareVariant): Design {
  return {
    name: MSHARE,
    vmOps: vmOps(variant),
    giveUp: (task, page, slot, level, isFreeing) =>
      giveUp(variant, task, page, slot, level, isFreeing),
    keepsTable: (task, slot, level) => keepsTable(variant, task, slot, level),
    invalidateSecondary: (world, cpu, mm, start, end) =>
      flushGuests(variant, world, cpu, mm, start, end),
    ...(variant.forwards !== 'no' && { notifier: forwarder(variant) }),
    ...(variant.calls === 'passed' && { passCall }),
    truncate,
    allocate,
    evictInode: putOff,
    taskWork: (place) => evictRegions(variant, place),
    exitTask: (task) => exitMshare(variant, task),
    execTask: keepOwner,
    ...(variant.flush === 'kept-mask' && {
      loadMm: (machine, cpu, mm) => noteLoaded(machine, cpu, mm.id),
    }),
  };
}
