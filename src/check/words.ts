/** What properties and steps are called. */
import type { Property } from '../mm/index.ts';

const PROPERTIES: Readonly<Record<Property, string>> = {
  'P-UAF-PAGE':
    'A page that was freed, or belongs to somebody else by now, can still be reached through a TLB, a page table or a lockless access.',
  'P-UAF-PT': 'A walk goes through a page table that was freed, or is used for something else.',
  'P-DATA': 'A write is lost, or a stale value is read.',
  'P-COUNT': 'A count of references, mappings or tables differs from the truth.',
  'P-LOCK': 'Locks are taken against their order, or not given back.',
  'P-PERM': 'A translation grants more than its VMA does.',
  'P-COW':
    'A private page can be written to, or is taken for a process’s own, while others have it.',
  'P-TLB': 'A translation that was taken away may still be used, and nobody is about to flush it.',
  'P-ACCT': 'What is told of an address space, resident pages or tables, is not so.',
  'P-UAF-VMA': 'A VMA is used that was freed.',
  'P-LIVE':
    'A program gets a signal, waits or faults without end, or loses a page that it had locked, for no reason.',
};

const COMMON: Readonly<Record<string, string>> = {
  deadlock: 'Nobody may go on, and some have not ended.',
  'self-deadlock': 'A lock is taken by who holds it.',
  'lock-order cycle': 'Locks are taken in orders that can end in a deadlock.',
  'lost wake-up': 'Somebody waits to be woken, and nobody is left to do it.',
  'sleeps with a spinlock held': 'A lock that sleeps is taken under one that must not.',
};

/** A sentence on what a property means; none for those of the user's own. */
export function meaningOf(property: string): string | undefined {
  if (property in PROPERTIES) return PROPERTIES[property as Property];
  if (/^ModelError: /.test(property)) return 'An assertion of the model does not hold.';
  return COMMON[property];
}

const VERBS: Readonly<Record<string, string>> = {
  LOCK: 'take',
  UNLOCK: 'drop',
  LOCK_SHARED: 'take as a reader',
  UNLOCK_SHARED: 'drop as a reader',
  TRY_SHARED: 'try as a reader',
  TRY_LOCK: 'try',
  LOCK_FOLIO: 'take',
  UNLOCK_FOLIO: 'drop',
  TRY_LOCK_FOLIO: 'try',
  DRAIN: 'wait for the readers of',
  READ: 'read',
  WRITE: 'write',
  SET: 'set',
  CLEAR: 'clear',
  LINK: 'link, or unlink,',
  PUT: 'put',
  FREE_TABLE: 'free',
  INVALIDATE: 'flush the',
  INTERRUPT: 'handle an IPI on',
  ACKNOWLEDGED: 'see the IPI handled by',
  QUIESCENT: 'see quiescent',
  CALLBACKS: 'take the',
  LOAD: 'load through the',
  STORE: 'store through the',
  READ_CONTENT: 'read what is in',
  WRITE_CONTENT: 'write into',
};

/** The step of a finding as a kernel developer would say it; `isStale` if a TLB was behind. */
export function stepInWords(does: string): { readonly text: string; readonly isStale: boolean } {
  const [, verb, rest, choice] = /^([A-Z_]+) (.*?)(, choice \d+)?$/.exec(does) ?? [];
  if (verb === undefined || VERBS[verb] === undefined) return { text: does, isStale: false };
  const isStale = choice !== undefined && (verb === 'LOAD' || verb === 'STORE');
  const isState = verb === 'READ' || verb === 'WRITE';
  const object = objectInWords(rest!);
  const text = `${VERBS[verb]} ${isState ? object.replace(/^CPU/, 'state of CPU') : object}`;
  return { text: isStale ? `${text}: a stale translation` : text + (choice ?? ''), isStale };
}

function objectInWords(object: string): string {
  return object
    .replace(/^(table \d+) \[(\d+)\]$/, '$1 entry $2')
    .replace(/^lock of (VMA \d+)$/, 'vm_refcnt of $1');
}
