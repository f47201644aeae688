/** Files and shared memory: what mappings are made of. */
import { IPC_PRIVATE } from '../../uapi/shm.ts';
import { asAddress, asLength, FALLOC, MFD, O, oneOf, SHM, SHMCTL, someOf } from '../constants.ts';
import { LIMITS } from '../limits.ts';
import { ScriptError } from '../script_error.ts';
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
  text,
  toEngine,
  toInt,
} from './spec.ts';

const group = 'System calls';

export const FILE_CALLS = [
  {
    name: 'memfd_create',
    group,
    summary: 'a file in memory; returns its descriptor',
    parameters: [text('name'), optional(flags('flags', someOf(MFD)), 0n)],
    perform(session, name: string, how: bigint) {
      const { mm, task } = session;
      const file = mm.memfdCreate(task, utf8Length(name), toInt(how));
      if (typeof file === 'number') return outcomeOf(file);
      session.inodeNames.set(file.mapped!.inode, `/memfd:${name} (deleted)`);
      return outcomeOf(session.files.add(file));
    },
  },
  {
    name: 'open',
    group,
    summary: 'a file by its path: of a tmpfs below /dev/shm, of ext4 elsewhere',
    parameters: [text('path'), optional(flags('flags', openFlags), BigInt(O.O_RDWR | O.O_CREAT))],
    perform: (session, path: string, how: bigint) =>
      outcomeOf(session.disk.open(session.task, session.files, path, Number(how))),
  },
  {
    name: 'close',
    group,
    summary: 'closes a descriptor; mappings stay',
    parameters: [number('fd')],
    perform: ({ files, task, mm }, fd: bigint) =>
      outcomeOf(files.close(task, toInt(fd)) ? 0 : mm.EBADF),
  },
  {
    name: 'ftruncate',
    group,
    summary: 'sets the size of a file',
    parameters: [number('fd'), length()],
    perform: ({ mm, task, files, run }, fd: bigint, bytes: bigint) =>
      outcomeOf(run(mm.ftruncate(task, files.get(toInt(fd)), toEngine(bytes)))),
  },
  {
    name: 'fallocate',
    group,
    summary: 'allocates a part of a file, or punches a hole',
    parameters: [number('fd'), flags('mode', someOf(FALLOC)), length('offset'), length()],
    perform({ mm, task, files, run }, fd: bigint, mode: bigint, from: bigint, bytes: bigint) {
      const file = files.get(toInt(fd));
      return outcomeOf(run(mm.fallocate(task, file, toInt(mode), toEngine(from), toEngine(bytes))));
    },
  },
  {
    name: 'pwrite',
    group,
    summary: 'writes to a part of a file: 1 into the word of each page',
    parameters: [number('fd'), length(), optional(length('offset'), 0n)],
    perform(session, fd: bigint, bytes: bigint, from: bigint) {
      const { mm, task, files, run } = session;
      const file = files.get(toInt(fd));
      if (file === undefined) return outcomeOf(mm.EBADF);
      if (bytes < 0n || from < 0n) return outcomeOf(mm.EINVAL);
      session.spendTouches(Number(bytes / PAGE) + 2, LIMITS.touchedPages);
      return outcomeOf(run(mm.writeFile(task, file, toEngine(from), toEngine(bytes), 1)), asLength);
    },
  },
  {
    name: 'shmget',
    group,
    summary: 'a segment of SysV shared memory; the key is IPC_PRIVATE',
    parameters: [
      flags('key', oneOf({ IPC_PRIVATE })),
      length('size'),
      optional(number('flags'), 0n),
    ],
    perform(session, key: bigint, bytes: bigint, how: bigint) {
      if (key !== 0n) {
        throw new ScriptError('Keys are not simulated', 'Pass IPC_PRIVATE, and keep the number');
      }
      const { mm, task, machine } = session;
      const id = mm.run(mm.shmget(task, toEngine(bytes), toInt(how)));
      if (id < 0) return outcomeOf(id);
      session.inodeNames.set(machine.segments.get(id).inode, '/SYSV00000000 (deleted)');
      return outcomeOf(id);
    },
  },
  {
    name: 'shmat',
    group,
    summary: 'attaches a segment',
    parameters: [
      number('segment'),
      optional(address(), 0n),
      optional(flags('flags', someOf(SHM)), 0n),
    ],
    perform: ({ mm, task, run }, id: bigint, at: bigint, how: bigint) =>
      outcomeOf(run(mm.shmat(task, toInt(id), toEngine(at), toInt(how))), asAddress),
  },
  {
    name: 'shmdt',
    group,
    summary: 'detaches a segment',
    parameters: [address()],
    perform: ({ mm, task, run }, at: bigint) => outcomeOf(run(mm.shmdt(task, toEngine(at)))),
  },
  {
    name: 'shmctl',
    group,
    summary: 'removes a segment with IPC_RMID, when nobody has it attached any more',
    parameters: [number('segment'), flags('command', oneOf(SHMCTL))],
    perform: ({ mm, task, run }: Session, id: bigint, command: bigint) =>
      outcomeOf(run(mm.shmctl(task, toInt(id), toInt(command)))),
  },
] as const satisfies readonly CallSpec[];

function openFlags(value: bigint): string {
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', '3'][Number(value & 3n)]!;
  const rest = someOf({ O_CREAT: O.O_CREAT, O_EXCL: O.O_EXCL, O_TRUNC: O.O_TRUNC })(value & ~3n);
  return rest === '0' ? access : `${access}|${rest}`;
}

function utf8Length(name: string): number {
  let bytes = 0;
  for (const character of name) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
