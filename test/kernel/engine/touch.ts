/** What a program's accesses to memory come to: a value, or a signal. */
import type { Task } from '../../../src/mm/index.ts';
import {
  isLeafAt,
  isPresentAt,
  isWritableAt,
  slotIn,
  tableAt,
} from '../../../src/mm/table/pgtable.ts';
import type { Outcome } from '../report.ts';
import { mm } from './build.ts';

export type Touch = 'load' | 'store' | 'fetch';

const PAGE_BYTES = 4096;
const SIGNAL = { SIGBUS: 7, SIGSEGV: 11 } as const;
const CODE = { SEGV_MAPERR: 1, SEGV_ACCERR: 2, BUS_ADRERR: 2, SI_KERNEL: 128 } as const;

/** The value of a load in which a byte was read that the engine does not know. */
export const UNKNOWN = Number.NaN;

/** The engine keeps the first byte of a page: what is written elsewhere is forgotten. */
export function touch(
  task: Task,
  name: Touch,
  address: number,
  pages: number,
  byte: number,
): Outcome {
  let hash = 0;
  for (let count = 0; count < pages; count++) {
    const at = address + count * PAGE_BYTES;
    const found = touchByte(task, name, at, byte);
    if (typeof found !== 'number') return found;
    hash = (Math.imul(hash, 31) + found) >>> 0;
    if (name === 'load' && at % PAGE_BYTES !== 0) hash = UNKNOWN;
  }
  return { kind: 'returned', value: name === 'load' ? hash : 0 };
}

/** As `touch()`, as a debugger does it: what cannot be had is no signal. */
export function debug(task: Task, address: number, pages: number, byte?: number): Outcome {
  let hash = 0;
  const first = Math.floor(address / PAGE_BYTES);
  for (let page = first; page < first + pages; page++) {
    const found = debugByte(task, page, byte);
    if (found < 0) return { kind: 'failed', errno: -found };
    hash = (Math.imul(hash, 31) + found) >>> 0;
  }
  return { kind: 'returned', value: byte === undefined ? hash : 0 };
}

/** The byte that was read, 0, or an errno. */
function debugByte(task: Task, page: number, byte: number | undefined): number {
  // It is an offset of a file.
  if (page < 0) return mm.EINVAL;
  if (page >= task.mm.layout.taskSize) return mm.EIO;
  return mm.run(byte === undefined ? mm.peek(task, page) : mm.poke(task, page, byte));
}

/** The byte that was loaded, 0, or the signal. */
function touchByte(task: Task, name: Touch, address: number, byte: number): number | Outcome {
  if (address >= 2 ** 47 || address < -(2 ** 47)) {
    return signalled(SIGNAL.SIGSEGV, CODE.SI_KERNEL, 0);
  }
  const page = Math.floor(address / PAGE_BYTES);
  if (page < 0 || page >= task.mm.layout.taskSize) {
    return signalled(SIGNAL.SIGSEGV, CODE.SEGV_MAPERR, address);
  }
  const result = access(task, name, page, address % PAGE_BYTES === 0 ? byte : undefined);
  if (result >= 0) return result;
  switch (-1 - result) {
    case mm.Fault.MAPERR:
      return signalled(SIGNAL.SIGSEGV, CODE.SEGV_MAPERR, address);
    case mm.Fault.ACCERR:
      return signalled(SIGNAL.SIGSEGV, CODE.SEGV_ACCERR, address);
    case mm.Fault.SIGBUS:
      return signalled(SIGNAL.SIGBUS, CODE.BUS_ADRERR, address);
    default:
      throw new Error(`Cannot compare: the engine has no memory left for a ${name}`);
  }
}

function access(task: Task, name: Touch, page: number, byte: number | undefined): number {
  if (name === 'store') {
    return byte === undefined ? storeBehind(task, page) : mm.run(mm.store(task, page, byte));
  }
  if (name === 'fetch' && isRefused(task, page)) return fetchRefused(task, page);
  const found = mm.run(mm.load(task, page));
  if (name === 'load' || found < 0) return found;
  return isRefused(task, page) ? -1 - mm.Fault.ACCERR : 0;
}

function isRefused(task: Task, page: number): boolean {
  const vma = task.mm.vmas.at(page);
  return vma !== undefined && (vma.flags & mm.VM.EXEC) === 0;
}

/** A fetch faults its page in like a load, and is refused by the entry only, which stays as it is. */
function fetchRefused(task: Task, page: number): number {
  while (slotNow(task, page) === undefined) {
    const result = mm.run(mm.handleUserFault(task, page, mm.Access.READ));
    if (result !== mm.Fault.DONE) return -1 - result;
  }
  return -1 - mm.Fault.ACCERR;
}

/** What a store does, but for another first byte: 0, or -1 - how the fault ended. */
function storeBehind(task: Task, page: number): number {
  for (;;) {
    const slot = slotNow(task, page);
    if (slot !== undefined && isWritableAt(task.machine, slot)) break;
    const result = mm.run(mm.handleUserFault(task, page, mm.Access.WRITE));
    if (result !== mm.Fault.DONE) return -1 - result;
  }
  return mm.run(mm.store(task, page, mm.run(mm.load(task, page))));
}

/** Where hardware finds the entry that maps `page`, if there is one. */
function slotNow({ machine, mm: { root } }: Task, page: number): number | undefined {
  let table = root;
  for (let level = machine.format.levels - 1; ; level--) {
    const slot = slotIn(machine, table, page, level);
    if (!isPresentAt(machine, slot)) return undefined;
    if (isLeafAt(machine, slot, level)) return slot;
    table = tableAt(machine, slot, level);
  }
}

function signalled(signal: number, code: number, address: number): Outcome {
  return { kind: 'signalled', signal, code, address: address < 0 ? address + 2 ** 64 : address };
}
