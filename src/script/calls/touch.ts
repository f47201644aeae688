/** What programs do with memory: reads, writes and fetches, their own and those of a debugger. */
import { vpn } from '../../arch/index.ts';
import type { Op } from '../../mm/index.ts';
import { asNumber } from '../constants.ts';
import { LIMITS } from '../limits.ts';
import type { Outcome, Signal } from '../outcome.ts';
import { ScriptError } from '../script_error.ts';
import type { Session } from '../session.ts';
import {
  address,
  type CallSpec,
  length,
  number,
  optional,
  outcomeOf,
  PAGE,
  returned,
} from './spec.ts';

const group = 'Touching memory';
/** A word that a program stores must not look like the end of a fault. */
const WORD_END = 2n ** 31n;

export const TOUCH_CALLS = [
  {
    name: 'read',
    group,
    summary: 'reads a byte of each page of a range',
    parameters: [address(), optional(length(), 1n)],
    perform: (session, at: bigint, bytes: bigint) =>
      touchRange(session, at, bytes, (page) => session.run(session.mm.load(session.task, page))),
  },
  {
    name: 'write',
    group,
    summary: 'writes to each page of a range',
    parameters: [address(), optional(length(), 1n)],
    perform: (session, at: bigint, bytes: bigint) =>
      touchRange(session, at, bytes, (page) =>
        session.run(session.mm.store(session.task, page, 1)),
      ),
  },
  {
    name: 'exec',
    group,
    summary: 'executes an instruction of each page of a range',
    parameters: [address(), optional(length(), 1n)],
    perform: (session, at: bigint, bytes: bigint) =>
      touchRange(session, at, bytes, (page) => fetch(session, page)),
  },
  {
    name: 'load',
    group,
    summary: 'the word that a page holds',
    parameters: [address()],
    perform(session, at: bigint) {
      let word = 0;
      const outcome = touchRange(session, at, 1n, (page) => {
        word = session.run(session.mm.load(session.task, page));
        return word;
      });
      return outcome.kind === 'returned' ? returned(BigInt(word)) : outcome;
    },
  },
  {
    name: 'store',
    group,
    summary: 'writes the word of a page',
    parameters: [address(), number('value')],
    perform(session, at: bigint, value: bigint) {
      const word = wordOf(value);
      return touchRange(session, at, 1n, (page) =>
        session.run(session.mm.store(session.task, page, word)),
      );
    },
  },
  {
    name: 'peek',
    group,
    summary: 'the word that a page holds, as a debugger reads it (ptrace, /proc/PID/mem)',
    parameters: [address()],
    perform: (session, at: bigint) =>
      debug(session, at, (page) => session.mm.peek(session.task, page)),
  },
  {
    name: 'poke',
    group,
    summary: 'writes the word of a page as a debugger does, where the program may not, too',
    parameters: [address(), number('value')],
    perform(session, at: bigint, value: bigint) {
      const word = wordOf(value);
      return debug(session, at, (page) => session.mm.poke(session.task, page, word));
    },
  },
] as const satisfies readonly CallSpec[];

function wordOf(value: bigint): number {
  if (value >= 0n && value < WORD_END) return Number(value);
  throw new ScriptError(
    `Cannot store ${value}: a word is wanted`,
    `Store a number from 0 to ${WORD_END - 1n}`,
  );
}

/** What cannot be had is an error of who asks, and no signal. */
function debug(session: Session, at: bigint, access: (page: number) => Op<number>): Outcome {
  session.spendTouches(1, LIMITS.touchedPages);
  const page = Number(BigInt.asUintN(64, at) / PAGE);
  const isOutside = page >= session.task.mm.layout.taskSize;
  return outcomeOf(isOutside ? session.mm.EIO : session.run(access(page)));
}

/** A fetch faults its page in like a read, and is refused by the entry only. */
function fetch({ mm, task, run }: Session, page: number): number {
  const result = run(mm.load(task, page));
  if (result < 0) return result;
  const vma = task.mm.vmas.at(page);
  return vma !== undefined && (vma.flags & mm.VM.EXEC) === 0 ? -1 - mm.Fault.ACCERR : 0;
}

/**
 * Touches each page of a range, until one fails.
 *
 * @param touch returns a negative number, -1 - how the fault ended, where a program gets a signal
 */
function touchRange(
  session: Session,
  at: bigint,
  bytes: bigint,
  touch: (page: number) => number,
): Outcome {
  const start = BigInt.asUintN(64, at);
  if (bytes <= 0n) return returned(0n, asNumber, '0 pages');
  const first = Number(start / PAGE);
  const pages = Number((start + bytes - 1n) / PAGE) - first + 1;
  session.spendTouches(pages, LIMITS.touchedPages);
  for (let page = first; page < first + pages; page++) {
    const isOutside = page >= session.task.mm.layout.taskSize;
    const result = isOutside ? -1 - session.mm.Fault.MAPERR : touch(page);
    if (result >= 0) continue;
    const byte = page === first ? start : BigInt(page) * PAGE;
    if (-1 - result === session.mm.Fault.WAIT) return { kind: 'waiting', address: byte };
    return signalled(session, -1 - result, byte);
  }
  return returned(0n, asNumber, pages === 1 ? '1 page' : `${pages} pages`);
}

function signalled({ mm, machine }: Session, fault: number, byte: bigint): Outcome {
  const isCanonical = machine.format.isCanonical(vpn(Number(byte / PAGE)));
  // Hardware says nothing of where such an access went.
  const signal: Signal = isCanonical
    ? signalOf(mm.Fault, fault, byte)
    : { name: 'SIGSEGV', code: 'SI_KERNEL', address: 0n };
  return { kind: 'signalled', signal };
}

function signalOf(Fault: Session['mm']['Fault'], fault: number, byte: bigint): Signal {
  switch (fault) {
    case Fault.ACCERR:
      return { name: 'SIGSEGV', code: 'SEGV_ACCERR', address: byte };
    case Fault.SIGBUS:
      return { name: 'SIGBUS', code: 'BUS_ADRERR', address: byte };
    case Fault.OOM:
      return { name: 'SIGKILL', code: 'SI_KERNEL', address: byte };
    default:
      return { name: 'SIGSEGV', code: 'SEGV_MAPERR', address: byte };
  }
}
