/**
 * An address space as it was when its program started: every mapping where it was, and the pages that
 * execve(2) had brought in.
 */

import type * as engine from '../../mm/index.ts';
import type { MapsLine } from '../../proc/maps.ts';
import { MAP, PAGE_BYTES } from '../../uapi/mman.ts';
import type { Host } from '../host.ts';
import { ReplayError } from '../replay_error.ts';
import type { ExecState } from './line.ts';

const STACK = '[stack]';
const VDSO = '[vdso]';
/** What the kernel maps into every program. */
const OF_KERNEL: readonly string[] = ['[vvar]', '[vvar_vclock]', VDSO];

/** @throws ReplayError */
export function beginAt(host: Host, line: number, state: ExecState): engine.Task {
  const { mm, machine, facts } = host;
  host.wantSpace(line);
  host.wantRoom(line, state.maps.length);
  const below = state.maps.filter(({ name }) => name !== STACK);
  const task = host.run(
    mm.newProcess(machine, 0, {
      ...mm.DEFAULT_LAYOUT,
      mmapBase: Math.max(...below.map(({ end }) => end), 0x10000),
      brkStartBytes: state.brkStart,
      commitLimit: Math.floor(facts.memoryBytes / PAGE_BYTES),
      mapCountMax: facts.mapCountMax,
    }),
  );
  if (task === undefined) {
    throw new ReplayError(line, 'the simulated machine is full', 'Record fewer processes');
  }
  for (const vma of state.maps) if (!OF_KERNEL.includes(vma.name)) mapFixed(host, task, vma);
  // What is there leaves room right below the dynamic linker only.
  const vdso = state.maps.find(({ name }) => name === VDSO);
  if (vdso !== undefined) {
    host.run(mm.mapVdso(task));
    mapFixed(host, task, vdso, `${VDSO}${line}`);
  }
  for (const page of state.present) touchPresent(host, task, page);
  return task;
}

type Mapping = Pick<MapsLine, 'start' | 'end' | 'protection' | 'shared' | 'offset' | 'name'>;

/** @param path of the file, if it is not the name: vdso is one for each program, and has no pages yet */
export function mapFixed(
  host: Host,
  task: engine.Task,
  { start, end, protection, shared, offset, name }: Mapping,
  path: string | undefined = name.startsWith('/') ? name : undefined,
): void {
  const isFile = path !== undefined;
  const file = isFile ? host.open(path, { isReadable: true, isWritable: shared }) : undefined;
  // Nothing else says how large the vdso is.
  if (name === VDSO) file!.mapped!.inode.bytes = (end - start) * PAGE_BYTES;
  const kind = (shared ? MAP.SHARED : MAP.PRIVATE) | (name === STACK ? MAP.GROWSDOWN : 0);
  const call = {
    address: start * PAGE_BYTES,
    length: (end - start) * PAGE_BYTES,
    prot: protection,
    flags: kind | MAP.FIXED | (isFile ? 0 : MAP.ANONYMOUS),
    file,
    offset: isFile ? offset * PAGE_BYTES : 0,
  };
  host.run(host.mm.mmap(task, call));
  if (file !== undefined) host.close(file);
}

/** execve(2) writes: arguments, and zeroes behind the data of a file. */
function touchPresent(host: Host, task: engine.Task, page: number): void {
  const { mm } = host;
  const vma = task.mm.vmas.at(page);
  if (vma === undefined || (vma.flags & mm.VM.WRITE) === 0) return;
  host.run(mm.handleUserFault(task, page, mm.Access.WRITE));
}
