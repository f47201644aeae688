/** userfaultfd: faults of memory that somebody else fills. */
import type { UffdMessage, Userfaultfd } from '../../mm/index.ts';
import { UFFD_API } from '../../uapi/userfaultfd.ts';
import {
  asAddress,
  asLength,
  someOf,
  UFFD_FEATURE,
  UFFDIO_FILL_MODE,
  UFFDIO_MOVE_MODE,
  UFFDIO_REGISTER_MODE,
  UFFDIO_WRITEPROTECT_MODE,
} from '../constants.ts';
import type { Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
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

const group = 'System calls';
const fillMode = optional(flags('mode', someOf(UFFDIO_FILL_MODE)), 0n);

/** What a descriptor of userfaultfd does; EBADF of others. */
function onUffd(session: Session, fd: bigint, perform: (uffd: Userfaultfd) => Outcome): Outcome {
  const uffd = session.userfaultfds.get(session.machine, toInt(fd));
  return uffd === undefined ? outcomeOf(session.mm.EBADF) : perform(uffd);
}

/** The result of an ioctl that fills pages, with what it has done. */
function filled({
  result,
  bytes,
}: {
  readonly result: number;
  readonly bytes: number | undefined;
}) {
  const done = bytes !== undefined && bytes > 0 ? asLength(BigInt(bytes)) : undefined;
  if (result >= 0) return returned(0n, undefined, done);
  const failed = { kind: 'failed', errno: -result } as const;
  return done === undefined ? failed : { ...failed, note: `${done} were done` };
}

export const UFFD_CALLS = [
  {
    name: 'userfaultfd',
    group,
    summary: 'a descriptor that is told of faults; agrees on features, too (UFFDIO_API)',
    parameters: [optional(flags('features', someOf(UFFD_FEATURE)), 0n)],
    perform(session, features: bigint) {
      const { mm, task } = session;
      const made = mm.userfaultfd(task, 0);
      if (typeof made === 'number') return outcomeOf(made);
      const { result } = mm.uffdioApi(task, made, UFFD_API, toFlags(features));
      if (result === 0) return outcomeOf(session.userfaultfds.add(made));
      session.run(mm.closeUserfaultfd(task, made));
      return outcomeOf(result);
    },
  },
  {
    name: 'uffd_close',
    group,
    summary: 'closes a userfaultfd: nobody is told any more, and who waits goes on',
    parameters: [number('fd')],
    perform: (session, fd: bigint) =>
      onUffd(session, fd, (uffd) => {
        session.userfaultfds.remove(toInt(fd));
        session.run(session.mm.closeUserfaultfd(session.task, uffd));
        return outcomeOf(0);
      }),
  },
  {
    name: 'uffd_register',
    group,
    summary: 'is told of faults in a range from now on (UFFDIO_REGISTER)',
    parameters: [number('fd'), address(), length(), flags('mode', someOf(UFFDIO_REGISTER_MODE))],
    perform: (session, fd: bigint, at: bigint, bytes: bigint, mode: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        const [start, size] = [toEngine(at), toEngine(bytes)];
        return outcomeOf(run(mm.uffdioRegister(task, uffd, start, size, toFlags(mode))).result);
      }),
  },
  {
    name: 'uffd_unregister',
    group,
    summary: 'is told no more of faults in a range (UFFDIO_UNREGISTER)',
    parameters: [number('fd'), address(), length()],
    perform: (session, fd: bigint, at: bigint, bytes: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        return outcomeOf(run(mm.uffdioUnregister(task, uffd, toEngine(at), toEngine(bytes))));
      }),
  },
  {
    name: 'uffd_read',
    group,
    summary: 'reads what a userfaultfd is told: a fault that waits, or a change',
    parameters: [number('fd')],
    perform: (session, fd: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        const message = run(mm.readUserfaultfd(task, uffd));
        if (message === undefined) return outcomeOf(mm.EAGAIN);
        if (message.kind === 'fork') {
          return outcomeOf(session.userfaultfds.add(message.child), undefined);
        }
        return returned(0n, undefined, describe(message));
      }),
  },
  {
    name: 'uffd_wake',
    group,
    summary: 'lets faults in a range try again (UFFDIO_WAKE)',
    parameters: [number('fd'), address(), length()],
    perform: (session, fd: bigint, at: bigint, bytes: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        return outcomeOf(run(mm.uffdioWake(task, uffd, toEngine(at), toEngine(bytes))));
      }),
  },
  {
    name: 'uffd_copy',
    group,
    summary: 'fills pages that are missing with copies of others (UFFDIO_COPY)',
    parameters: [number('fd'), address(), address('source'), length(), fillMode],
    perform: (session, fd: bigint, at: bigint, from: bigint, bytes: bigint, mode: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        const request = { ...requestOf(at, bytes, mode), source: toEngine(from) };
        return filled(run(mm.uffdioCopy(task, uffd, request)));
      }),
  },
  {
    name: 'uffd_zeropage',
    group,
    summary: 'fills pages that are missing with zeroes (UFFDIO_ZEROPAGE)',
    parameters: [number('fd'), address(), length(), fillMode],
    perform: (session, fd: bigint, at: bigint, bytes: bigint, mode: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        return filled(run(mm.uffdioZeropage(task, uffd, requestOf(at, bytes, mode))));
      }),
  },
  {
    name: 'uffd_continue',
    group,
    summary: 'maps pages that the file has (UFFDIO_CONTINUE)',
    parameters: [number('fd'), address(), length(), fillMode],
    perform: (session, fd: bigint, at: bigint, bytes: bigint, mode: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        return filled(run(mm.uffdioContinue(task, uffd, requestOf(at, bytes, mode))));
      }),
  },
  {
    name: 'uffd_poison',
    group,
    summary: 'lets pages that are missing raise a signal (UFFDIO_POISON)',
    parameters: [number('fd'), address(), length(), fillMode],
    perform: (session, fd: bigint, at: bigint, bytes: bigint, mode: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        return filled(run(mm.uffdioPoison(task, uffd, requestOf(at, bytes, mode))));
      }),
  },
  {
    name: 'uffd_writeprotect',
    group,
    summary: 'write-protects a range, or lets it be written to again (UFFDIO_WRITEPROTECT)',
    parameters: [
      number('fd'),
      address(),
      length(),
      optional(flags('mode', someOf(UFFDIO_WRITEPROTECT_MODE)), 0n),
    ],
    perform: (session, fd: bigint, at: bigint, bytes: bigint, mode: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        const [start, size] = [toEngine(at), toEngine(bytes)];
        return outcomeOf(run(mm.uffdioWriteprotect(task, uffd, start, size, toFlags(mode))));
      }),
  },
  {
    name: 'uffd_move',
    group,
    summary: 'moves private pages to where they are missing (UFFDIO_MOVE)',
    parameters: [
      number('fd'),
      address(),
      address('source'),
      length(),
      optional(flags('mode', someOf(UFFDIO_MOVE_MODE)), 0n),
    ],
    perform: (session, fd: bigint, at: bigint, from: bigint, bytes: bigint, mode: bigint) =>
      onUffd(session, fd, (uffd) => {
        const { mm, task, run } = session;
        const range = { destination: toEngine(at), source: toEngine(from) };
        const request = { ...range, length: toEngine(bytes), mode: toFlags(mode) };
        return filled(run(mm.uffdioMove(task, uffd, request)));
      }),
  },
] as const satisfies readonly CallSpec[];

function requestOf(at: bigint, bytes: bigint, mode: bigint) {
  return { start: toEngine(at), length: toEngine(bytes), mode: toFlags(mode) };
}

type Told = Exclude<UffdMessage, { readonly kind: 'fork' }>;

const at = (page: number): string => asAddress(BigInt(page) * PAGE);

function describe(message: Told): string {
  switch (message.kind) {
    case 'pagefault': {
      const { page, flags: how } = message;
      const isWrite = (how & 1) !== 0;
      const why = (how & 2) !== 0 ? 'write-protected' : (how & 4) !== 0 ? 'minor' : 'missing';
      return `${isWrite ? 'a write' : 'a read'} at ${at(page)}: ${why}`;
    }
    case 'remap':
      return `${at(message.from)} has moved to ${at(message.to)}`;
    case 'remove':
      return `${at(message.start)} to ${at(message.end)} is given back`;
    case 'unmap':
      return `${at(message.start)} to ${at(message.end)} is unmapped`;
  }
}
