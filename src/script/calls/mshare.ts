/** Regions of mshare: made, filled and emptied. They are attached with mmap() and left with munmap(). */
import type { OpenFile } from '../../mm/index.ts';
import { asLength, MAP, O, PROT, someOf } from '../constants.ts';
import { ScriptError } from '../script_error.ts';
import type { MshareSession, Session } from '../session.ts';
import {
  type CallSpec,
  flags,
  length,
  number,
  optional,
  outcomeOf,
  text,
  toEngine,
} from './spec.ts';

const group = 'System calls';

export const MSHARE_CALLS = [
  {
    name: 'mshare_open',
    group,
    summary: 'a region of mshare by its path in msharefs, which ftruncate() gives a size',
    parameters: [text('path'), optional(flags('flags', someOf(O)), BigInt(O.O_RDWR | O.O_CREAT))],
    perform(session, path: string, how: bigint) {
      const { api, mount } = mshareOf(session);
      const file = session.run(api.msharefs.open(session.task, mount, path, Number(how)));
      if (typeof file === 'number') return outcomeOf(file);
      if (file.mapped === undefined) {
        throw new ScriptError(`${path} is not a region`, 'Open another name');
      }
      session.inodeNames.set(file.mapped.inode, `${api.msharefs.MOUNT_POINT}/${path}`);
      return outcomeOf(session.files.add(file));
    },
  },
  {
    name: 'mshare_create',
    group,
    summary: 'ioctl(MSHAREFS_CREATE_MAPPING): maps shared memory, or a file, into a region',
    parameters: [
      number('fd'),
      length('offset'),
      length('size'),
      optional(flags('prot', someOf(PROT)), BigInt(PROT.PROT_READ | PROT.PROT_WRITE)),
      optional(number('file'), -1n),
      optional(length('file_offset'), 0n),
    ],
    perform(
      session,
      fd: bigint,
      regionOffset: bigint,
      size: bigint,
      prot: bigint,
      from: bigint,
      offset: bigint,
    ) {
      const { api, variant } = mshareOf(session);
      const isAnonymous = from === -1n;
      const create = api.encodeCreate({
        regionOffset: toEngine(regionOffset),
        size: toEngine(size),
        offset: toEngine(offset),
        prot: Number(prot),
        flags: MAP.MAP_SHARED | MAP.MAP_FIXED | (isAnonymous ? MAP.MAP_ANONYMOUS : 0),
        fd: Number(from),
      });
      const { CREATE_MAPPING } = api.MSHAREFS;
      const { task, run } = session;
      const caller = { files: (which: number): OpenFile | undefined => session.files.get(which) };
      const file = session.files.get(Number(fd));
      return outcomeOf(run(api.ioctl(variant, task, file, CREATE_MAPPING, create, caller)));
    },
  },
  {
    name: 'mshare_unmap',
    group,
    summary: 'ioctl(MSHAREFS_UNMAP): takes what a part of a region has out of it',
    parameters: [number('fd'), length('offset'), length('size')],
    perform(session, fd: bigint, regionOffset: bigint, size: bigint) {
      const { api, variant } = mshareOf(session);
      const range = api.encodeUnmap({
        regionOffset: toEngine(regionOffset),
        size: toEngine(size),
      });
      const { task, run, files } = session;
      const file = files.get(Number(fd));
      const caller = { files: (): undefined => undefined };
      return outcomeOf(
        run(api.ioctl(variant, task, file, api.MSHAREFS.UNMAP, range, caller)),
        asLength,
      );
    },
  },
] as const satisfies readonly CallSpec[];

function mshareOf({ mshare }: Session): MshareSession {
  if (mshare !== undefined) return mshare;
  throw new ScriptError(
    'This machine has no mshare',
    'Run with --mshare v3, or choose it in the viewer',
  );
}
