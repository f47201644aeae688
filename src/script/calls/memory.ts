/** System calls on the caller's address space. */
import {
  ADVICE,
  asAddress,
  asLength,
  MAP,
  MCL,
  MLOCK,
  MREMAP,
  MS,
  oneOf,
  PROT,
  someOf,
} from '../constants.ts';
import { LIMITS } from '../limits.ts';
import {
  address,
  type CallSpec,
  flags,
  length,
  number,
  optional,
  outcomeOf,
  PAGE,
  returned,
  toEngine,
  toFlags,
  toInt,
} from './spec.ts';

const prot = flags('prot', someOf(PROT, 'PROT_NONE'));
const group = 'System calls';

export const MEMORY_CALLS = [
  {
    name: 'mmap',
    group,
    summary: 'maps memory or a file',
    parameters: [
      address(),
      length(),
      prot,
      flags('flags', someOf(MAP)),
      optional(number('fd'), -1n),
      optional(length('offset'), 0n),
    ],
    perform(
      session,
      at: bigint,
      bytes: bigint,
      rights: bigint,
      how: bigint,
      fd: bigint,
      from: bigint,
    ) {
      const { mm, task } = session;
      const call = {
        address: toEngine(at),
        length: toEngine(bytes),
        prot: toFlags(rights),
        flags: toFlags(how),
        file: session.files.get(toInt(fd)),
        offset: toEngine(from),
      };
      return outcomeOf(session.run(mm.mmap(task, call)), asAddress);
    },
  },
  {
    name: 'munmap',
    group,
    summary: 'unmaps a range',
    parameters: [address(), length()],
    perform: ({ mm, task, run }, at: bigint, bytes: bigint) =>
      outcomeOf(run(mm.munmap(task, toEngine(at), toEngine(bytes)))),
  },
  {
    name: 'mprotect',
    group,
    summary: 'changes the rights of a range',
    parameters: [address(), length(), prot],
    perform: ({ mm, task, run }, at: bigint, bytes: bigint, rights: bigint) =>
      outcomeOf(run(mm.mprotect(task, toEngine(at), toEngine(bytes), toFlags(rights)))),
  },
  {
    name: 'mremap',
    group,
    summary: 'grows, shrinks or moves a mapping',
    parameters: [
      address(),
      length('old_length'),
      length('new_length'),
      optional(flags('flags', someOf(MREMAP)), 0n),
      optional(address('new_address'), 0n),
    ],
    perform(
      { mm, task, run },
      at: bigint,
      oldBytes: bigint,
      newBytes: bigint,
      how: bigint,
      to: bigint,
    ) {
      const call = {
        address: toEngine(at),
        oldLength: toEngine(oldBytes),
        newLength: toEngine(newBytes),
        flags: toFlags(how),
        newAddress: toEngine(to),
      };
      return outcomeOf(run(mm.mremap(task, call)), asAddress);
    },
  },
  {
    name: 'brk',
    group,
    summary: 'moves the end of the heap; brk(NULL) says where it is',
    parameters: [address()],
    perform: ({ mm, task, run }, at: bigint) =>
      outcomeOf(run(mm.brk(task, toEngine(at))), asAddress),
  },
  {
    name: 'madvise',
    group,
    summary: 'says how a range will be used',
    parameters: [address(), length(), flags('advice', oneOf(ADVICE))],
    perform: ({ mm, task, run }, at: bigint, bytes: bigint, advice: bigint) =>
      outcomeOf(run(mm.madvise(task, toEngine(at), toEngine(bytes), toInt(advice)))),
  },
  {
    name: 'mlock',
    group,
    summary: 'faults a range in and keeps it in memory',
    parameters: [address(), length()],
    perform: ({ mm, task, run }, at: bigint, bytes: bigint) =>
      outcomeOf(run(mm.mlock(task, toEngine(at), toEngine(bytes)))),
  },
  {
    name: 'mlock2',
    group,
    summary: 'as mlock, with MLOCK_ONFAULT without faulting in',
    parameters: [address(), length(), flags('flags', someOf(MLOCK))],
    perform: ({ mm, task, run }, at: bigint, bytes: bigint, how: bigint) =>
      outcomeOf(run(mm.mlock2(task, toEngine(at), toEngine(bytes), toInt(how)))),
  },
  {
    name: 'munlock',
    group,
    summary: 'takes mlock back',
    parameters: [address(), length()],
    perform: ({ mm, task, run }, at: bigint, bytes: bigint) =>
      outcomeOf(run(mm.munlock(task, toEngine(at), toEngine(bytes)))),
  },
  {
    name: 'mlockall',
    group,
    summary: 'locks all that is mapped, or will be',
    parameters: [flags('flags', someOf(MCL))],
    perform: ({ mm, task, run }, how: bigint) => outcomeOf(run(mm.mlockall(task, toInt(how)))),
  },
  {
    name: 'munlockall',
    group,
    summary: 'takes all locks back',
    parameters: [],
    perform: ({ mm, task, run }) => outcomeOf(run(mm.munlockall(task))),
  },
  {
    name: 'msync',
    group,
    summary: 'writes a mapped file back',
    parameters: [address(), length(), flags('flags', someOf(MS))],
    perform: ({ mm, task, run }, at: bigint, bytes: bigint, how: bigint) =>
      outcomeOf(run(mm.msync(task, toEngine(at), toEngine(bytes), toInt(how)))),
  },
  {
    name: 'mincore',
    group,
    summary: 'counts the pages of a range that are in memory',
    parameters: [address(), length()],
    perform(session, at: bigint, bytes: bigint) {
      const pages = bytes <= 0n ? 0 : Number((bytes + PAGE - 1n) / PAGE);
      session.spendTouches(pages, LIMITS.touchedPages);
      const resident = new Uint8Array(pages);
      const { mm, task } = session;
      const result = session.run(mm.mincore(task, toEngine(at), toEngine(bytes), resident));
      if (result < 0) return outcomeOf(result);
      const count = resident.reduce((sum, isResident) => sum + isResident, 0);
      return returned(0n, undefined, `${count} of ${pages} pages`);
    },
  },
  {
    name: 'process_madvise',
    group,
    summary: 'as madvise, in another process',
    parameters: [
      number('pid'),
      address(),
      length(),
      flags('advice', oneOf(ADVICE)),
      optional(number('flags'), 0n),
    ],
    perform(session, pid: bigint, at: bigint, bytes: bigint, advice: bigint, how: bigint) {
      const { mm, task } = session;
      const target = session.processes().find((process) => process.pid === Number(pid));
      const call = {
        target: target && { mm: target.task.mm, mayRead: true },
        ranges: [{ address: toEngine(at), length: toEngine(bytes) }],
        advice: toInt(advice),
        flags: toInt(how),
        mayInfluence: true,
      };
      return outcomeOf(session.run(mm.processMadvise(task, call)), asLength);
    },
  },
] as const satisfies readonly CallSpec[];
