/** Events as a kernel developer would say them, and the rule behind each. */
import type { EventName, TraceEvent } from '../trace/index.ts';
import type { Names } from './names.ts';

const hex = (page: number): string => `0x${page.toString(16)}`;
const rangeOf = (start: number, end: number): string => {
  if (end - start === 1) return `page ${hex(start)}`;
  if (start === 0 && end > 2 ** 51) return 'everything';
  return `pages ${hex(start)}–${hex(end)}`;
};
const lanes = ({ low, high }: { readonly low: number; readonly high: number }): string => {
  return low === 0 && high === 0 ? '0' : `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16)}`;
};

export function inWords(event: TraceEvent, names: Names): string {
  switch (event.kind) {
    case 'name':
      return `${event.subject} ${event.id} is called ${event.text}`;
    case 'operationBegin':
      return `${event.operation}(${event.values.map((value) => numeral(value)).join(', ')}) begins in ${names.of('mm', event.mm)}`;
    case 'operationEnd':
      return `${event.operation} returns ${numeral(event.result)}`;
    case 'faultBegin':
      return `fault: ${event.access} of page ${hex(event.page)} in ${names.of('mm', event.mm)}`;
    case 'faultEnd':
      return `fault ends: ${event.outcome}`;
    case 'note':
      return event.text;
    case 'violation':
      return `violated: ${event.property} ${event.text}`.trimEnd();
    default:
      return lockInWords(event, names) ?? memoryInWords(event, names) ?? flushInWords(event, names);
  }
}

function numeral(value: number): string {
  return Math.abs(value) > 4096
    ? `${value < 0 ? '-' : ''}0x${Math.abs(value).toString(16)}`
    : String(value);
}

function lockInWords(event: TraceEvent, names: Names): string | undefined {
  if (!('lock' in event)) return undefined;
  const name = names.of('lock', event.lock);
  const shared = 'mode' in event && event.mode === 'shared' ? ' as a reader' : '';
  switch (event.kind) {
    case 'lockWait':
      return `waits for ${name}${shared}`;
    case 'lockAcquired':
      return `takes ${name}${shared}`;
    case 'lockReleased':
      return `drops ${name}${shared}`;
    case 'lockDowngraded':
      return `goes on as a reader of ${name}`;
    case 'lockBusy':
      return `${name} is busy${shared}`;
  }
}

function memoryInWords(event: TraceEvent, names: Names): string | undefined {
  switch (event.kind) {
    case 'entryWrite':
      return `table ${event.table} [${event.index}]: ${lanes(event.before)} → ${lanes(event.after)}`;
    case 'tableAlloc':
      return `table ${event.table} is allocated`;
    case 'tableFree':
      return `table ${event.table} is freed`;
    case 'tableLink':
      return event.parent < 0
        ? `table ${event.table} is the root of ${names.of('mm', event.mm)}`
        : `table ${event.table} is linked below table ${event.parent} [${event.index}]`;
    case 'tableUnlink':
      return `table ${event.table} is unlinked from table ${event.parent} [${event.index}]`;
    case 'folioAlloc':
      return `frame ${hex(event.frame)} is allocated${event.order > 0 ? `, order ${event.order}` : ''}`;
    case 'folioFree':
      return `frame ${hex(event.frame)} is freed`;
    case 'tlbFill':
      return `TLB fill: page ${hex(event.page)}, ${lanes(event.entry)}`;
    default:
      return undefined;
  }
}

function flushInWords(event: TraceEvent, names: Names): string {
  switch (event.kind) {
    case 'flush':
      return `flushes ${rangeOf(event.start, event.end)} of ${names.of('mm', event.mm)}${event.scope === 'broadcast' ? ' on all CPUs' : ''}`;
    case 'ipiSent':
      return `sends an IPI to CPU ${event.target}: flush ${rangeOf(event.start, event.end)}`;
    case 'ipiHandled':
      return `handles the IPI of CPU ${event.sender}`;
    case 'ipiAcknowledged':
      return `sees the IPI handled by CPU ${event.target}`;
    case 'wake':
      return `wakes ${names.of('actor', event.woken)}`;
    case 'obligationOpened': {
      const to = event.target === 'mapped' ? 'writes to it' : `${event.target} ${hex(event.id)}`;
      return `${cpusIn(event.cpus)} may still use ${rangeOf(event.start, event.end)} → ${to}`;
    }
    case 'obligationDischarged':
      return `CPU ${event.debtor} owes no flush of ${rangeOf(event.start, event.end)} any longer`;
    default:
      return event.kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  }
}

function cpusIn(mask: number): string {
  const cpus = Array.from({ length: 32 }, (_, cpu) => cpu).filter((cpu) => mask & (1 << cpu));
  return `CPU ${cpus.join(', ')}`;
}

/** Why something is as it is, and where to read about it. */
export interface Rule {
  readonly why: string;
  readonly source: string;
}

export const RULES: Partial<Readonly<Record<EventName, Rule>>> = {
  entryWrite: {
    why: 'Entries change under the page-table lock; the hardware walks them at any time, without a lock.',
    source: 'mm/memory.c; Documentation/mm/process_addrs.rst, “Page tables”',
  },
  tableFree: {
    why: 'Lockless walkers may stand in a table: it is freed behind an IPI to all of them, or a grace period.',
    source: 'mm/mmu_gather.c: tlb_remove_table(); mm/gup.c: gup_fast()',
  },
  tableLink: {
    why: 'A table is linked when it is empty, or shared as it is: then several entries lead to the same one.',
    source: 'mm/memory.c: __pte_alloc(), pmd_install()',
  },
  tableUnlink: {
    why: 'Walk caches may still lead to a table that is unlinked: it must stay until they are flushed.',
    source: 'mm/memory.c: free_pgtables(); arch/*/include/asm/tlb.h',
  },
  folioFree: {
    why: 'A frame may be freed when nothing leads to it any longer: no entry, no reference, no TLB.',
    source: 'mm/mmu_gather.c: tlb_batch_pages_flush()',
  },
  flush: {
    why: 'A TLB may hold whatever could be walked since its last flush: a flush is what ends that.',
    source: 'arch/x86/mm/tlb.c: flush_tlb_func(); docs/operations.md',
  },
  ipiSent: {
    why: 'On x86 a CPU flushes its own TLB only: the others are asked to, and waited for.',
    source: 'arch/x86/mm/tlb.c: native_flush_tlb_multi()',
  },
  ipiAcknowledged: {
    why: 'Only now the other CPU cannot use the old translation any longer.',
    source: 'kernel/smp.c: smp_call_function_many_cond()',
  },
  obligationOpened: {
    why: 'The entry has lost rights or changed its target, and these CPUs may have walked it before: until they have flushed, the old translation can be used.',
    source: 'docs/operations.md, the flush ledger; Documentation/core-api/cachetlb.rst',
  },
  obligationDischarged: {
    why: 'The CPU has flushed: what was stale there is gone.',
    source: 'docs/operations.md, the flush ledger',
  },
  lockAcquired: {
    why: 'Locks are taken in one order: inode, mmap_lock, VMA lock, i_mmap_rwsem, anon_vma lock, page-table lock.',
    source: 'mm/rmap.c, its first comment; Documentation/mm/process_addrs.rst, “Lock ordering”',
  },
  lockReleased: {
    why: 'What this lock kept out may come in now: the flush must be complete before.',
    source: 'mm/mremap.c: move_ptes(), “flush_tlb_range”',
  },
  lockBusy: {
    why: 'A lock that is only tried: who does not get it takes the slower way.',
    source: 'mm/memory.c: lock_vma_under_rcu()',
  },
  faultBegin: {
    why: 'No translation allows the access, so the hardware asks the kernel.',
    source: 'mm/memory.c: handle_mm_fault()',
  },
  faultEnd: {
    why: '`retry` means that the fault begins again, as something has changed under it.',
    source: 'mm/memory.c: handle_pte_fault(), vmf_pte_changed()',
  },
  gracePeriodBegin: {
    why: 'Everybody who may be in an RCU section, or has interrupts off, is waited for.',
    source: 'mm/mmu_gather.c: tlb_remove_table_rcu()',
  },
};
