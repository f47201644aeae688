/** Mappings that perf recorded, in an address space: where they are, and what they cover. */
import type * as engine from '../../mm/index.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Host } from '../host.ts';
import { LineError } from '../replay_error.ts';
import { mapFixed } from './begin.ts';
import type { Mapping } from './perf.ts';

/** Their names are the same for each of them. */
const OF_MEMORY = /^\/(?:dev\/zero$|memfd:|SYSV)/;
const VDSO = '[vdso]';
const FILE_BYTES_MAX = 2 ** 43;

/**
 * The kernel tells of a VMA as it is when something was mapped, or got other rights: of a part that was
 * there before, only its rights change.
 *
 * @throws LineError, ReplayError
 */
export function noteMapping(host: Host, task: engine.Task, line: number, mapping: Mapping): void {
  const path = knownPath(host, line, mapping);
  const { start, end, protection } = mapping;
  const map = (from: number, to: number): void => {
    host.wantRoom(line);
    const part = { ...mapping, start: from, end: to, offset: mapping.offset + from - start };
    mapFixed(host, task, part, path);
  };
  let next = start;
  for (const vma of task.mm.vmas.within(start, end)) {
    const [from, to] = [Math.max(start, vma.start), Math.min(end, vma.end)];
    if (next < from) map(next, from);
    next = to;
    if (!isSame(host, vma, mapping, path)) map(from, to);
    else {
      host.wantRoom(line);
      const bytes = (to - from) * PAGE_BYTES;
      host.run(host.mm.mprotect(task, from * PAGE_BYTES, bytes, protection));
    }
  }
  if (next < end) map(next, end);
}

/** Of what is mapped, which is in memory as a whole: `undefined` for anonymous memory. @throws LineError */
function knownPath(host: Host, line: number, mapping: Mapping): string | undefined {
  const { name, inode, offset, start, end } = mapping;
  if (name === VDSO) return `${VDSO}${line}`;
  if (!name.startsWith('/')) return undefined;
  if (OF_MEMORY.test(name)) return `/memfd:${inode}`;
  const bytes = (offset + end - start) * PAGE_BYTES;
  if (bytes > FILE_BYTES_MAX)
    throw new LineError('a mapping of perf is behind the end of any file');
  host.know(line, { path: name, bytes, pageBytes: undefined, folios: [] });
  return name;
}

function isSame(
  { names, mm }: Host,
  vma: engine.Vma,
  { start, offset, shared }: Mapping,
  path: string | undefined,
): boolean {
  if (path === undefined) return vma.file === undefined;
  if (vma.file === undefined || names.get(vma.file.inode) !== path) return false;
  const isShared = (vma.flags & mm.VM.SHARED) !== 0;
  return isShared === shared && vma.pgoff - vma.start === offset - start;
}
