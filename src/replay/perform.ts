/**
 * A recorded call, made again on the simulated machine.
 *
 * A recording of calls does not say which pages were touched: calls that would fault pages in here,
 * and whose result does not depend on it, do not.
 */
import { assertNever } from '../base/assert.ts';
import type * as engine from '../mm/index.ts';
import { MAP, MCL, MLOCK, PAGE_BYTES } from '../uapi/mman.ts';
import type { Files } from './files.ts';
import type { Host } from './host.ts';
import type { Request } from './request.ts';

const MAP_POPULATES = MAP.LOCKED | MAP.POPULATE;

/** @returns a value or a negative errno */
export function perform(
  host: Host,
  task: engine.Task,
  files: Files,
  request: Request,
  isOpen: boolean,
): number {
  const { mm } = host;
  switch (request.name) {
    case 'mmap':
      return mmap(host, task, mmapArguments(host, files, request, isOpen), request.flags);
    case 'munmap':
      return host.run(mm.munmap(task, request.address, request.length));
    case 'mprotect':
      return host.run(mm.mprotect(task, request.address, request.length, request.prot));
    case 'mremap': {
      const { length: oldLength, ...rest } = request;
      return host.run(mm.mremap(task, { ...rest, oldLength }));
    }
    case 'brk':
      return host.run(mm.brk(task, request.address));
    case 'madvise':
      return host.run(mm.madvise(task, request.address, request.length, request.advice));
    case 'mlock':
      return host.run(mm.mlock2(task, request.address, request.length, lockFlags(host, 0)));
    case 'mlock2': {
      const flags = lockFlags(host, request.flags);
      return host.run(mm.mlock2(task, request.address, request.length, flags));
    }
    case 'munlock':
      return host.run(mm.munlock(task, request.address, request.length));
    case 'mlockall':
      return host.run(mm.mlockall(task, request.flags | (host.hasFaults ? 0 : MCL.ONFAULT)));
    case 'munlockall':
      return host.run(mm.munlockall(task));
    case 'msync':
      return host.run(mm.msync(task, request.address, request.length, request.flags));
    case 'mincore':
      return mincore(host, task, request.address, request.length);
    case 'shmat': {
      const segment = host.segments.get(request.segment) ?? -1;
      return host.run(mm.shmat(task, segment, request.address, request.flags));
    }
    case 'shmdt':
      return host.run(mm.shmdt(task, request.address));
    default:
      return assertNever(request, 'every call is performed');
  }
}

/**
 * Without page faults, MAP_LOCKED locks a mapping and leaves its pages out, as mlock2() does.
 *
 * @param flags with those that populate
 */
export function mmap(
  host: Host,
  task: engine.Task,
  call: engine.MmapArguments,
  flags: number,
): number {
  const { mm } = host;
  if (host.hasFaults || (flags & MAP.LOCKED) === 0) return host.run(mm.mmap(task, call));
  const { defaultFlags } = task.mm;
  task.mm.defaultFlags |= mm.VM.LOCKED | mm.VM.LOCKONFAULT;
  const result = host.run(mm.mmap(task, call));
  task.mm.defaultFlags = defaultFlags;
  return result;
}

function lockFlags({ hasFaults }: Host, flags: number): number {
  return hasFaults ? flags : flags | MLOCK.ONFAULT;
}

export function mmapArguments(
  { hasFaults }: Host,
  files: Files,
  { address, length, prot, flags, fd, offset }: Extract<Request, { name: 'mmap' }>,
  isOpen: boolean,
): engine.MmapArguments {
  const file = (flags & MAP.ANONYMOUS) === 0 ? files.find(fd, isOpen) : undefined;
  return { address, length, prot, flags: hasFaults ? flags : flags & ~MAP_POPULATES, file, offset };
}

/** Most pages that one call reports on here. */
const MINCORE_PAGES_MAX = 2 ** 20;

function mincore(host: Host, task: engine.Task, address: number, length: number): number {
  const pages = Math.min(MINCORE_PAGES_MAX, Math.max(0, Math.ceil(length / PAGE_BYTES)));
  return host.run(host.mm.mincore(task, address, length, new Uint8Array(pages)));
}
