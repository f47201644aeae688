/**
 * KVM: guests whose memory is memory of a process, by a second-level table that follows its page tables.
 *
 * Files, in the order to read them: `vm`, `second_table`, `follow`, `fault`, `access`. A guest may have
 * tables of its own instead, that are shadowed: `shadow/`.
 */
import type { Design } from '../../mm/design/design.ts';
import { notifier } from './follow.ts';
import { auditVms, KVM } from './vm.ts';

export { enterGuest, guestLoad, guestStore } from './access.ts';
export { GuestFault, guestPageFault } from './fault.ts';
export { guestEntry, guestTable } from './shadow/guest_tables.ts';
export { addMemslot, createVm, KVM, type Memslot, setGuestTables, type Vm, vmOf } from './vm.ts';

export const kvm: Design = { name: KVM, notifier, audit: auditVms };
