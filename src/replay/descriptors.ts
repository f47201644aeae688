/** Calls about what later calls depend on: descriptors, directories, segments, limits. */
import type * as engine from '../mm/index.ts';
import { MFD } from '../uapi/files.ts';
import { SHMGET } from '../uapi/shm.ts';
import type { Host } from './host.ts';
import { LineError } from './replay_error.ts';
import { noteLimit } from './resource_limits.ts';
import { type DescriptorText, descriptorOf, numberOf, stringOf } from './strace/values.ts';
import type { Thread } from './thread.ts';

/** What a call has that has returned a value. */
export interface Returned {
  readonly host: Host;
  readonly thread: Thread;
  readonly args: readonly string[];
  /** As a number, and as text: with -y a descriptor says what it stands for. */
  readonly value: number;
  readonly text: string;
  readonly line: number;
}

const O = { ACCESS: 3, WRONLY: 1, RDONLY: 0, DIRECTORY: 0x10000, CLOEXEC: 0x80000, PATH: 0x200000 };
const CLOSE_RANGE_CLOEXEC = 4;
/** With the size of the pages. */
const SHM_KIND = SHMGET.HUGETLB | SHMGET.NORESERVE | (0x3f << 26);
const IPC_64 = 0x100;
const F = { DUPFD: 0, SETFD: 2, DUPFD_CLOEXEC: 1030 } as const;
const RETURNED_DESCRIPTOR = /^(\d{1,10})(?:<(.*)>)?/s;

type Handler = (call: Returned) => void;

const HANDLERS: ReadonlyMap<string, readonly [least: number, handle: Handler]> = new Map<
  string,
  readonly [number, Handler]
>([
  ['open', [2, (call) => opened(call, call.args[0]!, numberOf(call.args[1]!))]],
  ['creat', [2, (call) => opened(call, call.args[0]!, O.WRONLY)]],
  ['openat', [3, (call) => openedAt(call, numberOf(call.args[2]!))]],
  ['openat2', [3, (call) => openedAt(call, howOf(call.args[2]!))]],
  ['chdir', [1, (call) => moved(call, pathOf(stringOf(call.args[0]!), call.thread.directory))]],
  ['fchdir', [1, (call) => moved(call, directoryOf(call.thread, descriptorOf(call.args[0]!)))]],
  ['memfd_create', [2, memfdCreated]],
  ['close', [1, ({ thread, args }) => thread.files.close(descriptorOf(args[0]!).number)]],
  ['close_range', [3, closedRange]],
  ['dup', [1, (call) => duplicated(call, false)]],
  ['dup2', [2, (call) => duplicated(call, false)]],
  ['dup3', [3, (call) => duplicated(call, (numberOf(call.args[2]!) & O.CLOEXEC) !== 0)]],
  ['fcntl', [2, controlled]],
  ['ftruncate', [2, fileCut]],
  ['fallocate', [4, fileAllocated]],
  ['setrlimit', [2, ({ thread, args }) => limited(thread, args[0]!, args[1]!)]],
  ['prlimit64', [4, limitedByNumber]],
  ['shmget', [3, segmentMade]],
  ['shmctl', [2, segmentControlled]],
]);

export function isDescriptorCall(name: string): boolean {
  return HANDLERS.has(name);
}

/** @throws LineError */
export function noteDescriptors(name: string, call: Returned): void {
  const [least, handle] = HANDLERS.get(name)!;
  if (call.args.length < least) throw new LineError(`${name} has ${least} arguments`);
  handle(call);
}

function openedAt(call: Returned, flags: number): void {
  const directory = descriptorOf(call.args[0]!);
  if (directory.number < 0 && directory.path !== undefined) call.thread.directory = directory.path;
  opened(call, call.args[1]!, flags, directory);
}

function howOf(text: string): number {
  const flags = /\bflags=([A-Za-z0-9_|]+)/.exec(text)?.[1];
  return flags === undefined ? 0 : numberOf(flags);
}

function opened(call: Returned, name: string, flags: number, directory?: DescriptorText): void {
  const { host, thread, line } = call;
  const { number, path } = returnedOf(call);
  const named = path ?? pathOf(stringOf(name), directory?.path ?? thread.directory) ?? `/?${line}`;
  const access = flags & O.ACCESS;
  host.wantRoom(line);
  const file = host.open(named, {
    isReadable: access !== O.WRONLY,
    isWritable: access !== O.RDONLY,
    isMappable: (flags & (O.DIRECTORY | O.PATH)) === 0,
  });
  thread.files.open(number, file, named, (flags & O.CLOEXEC) !== 0);
}

function moved({ thread }: Returned, directory: string | undefined): void {
  thread.directory = directory;
}

/** Below which a call looks for a relative path. */
export function directoryOf(thread: Thread, { number, path }: DescriptorText): string | undefined {
  return path ?? (number < 0 ? thread.directory : thread.files.pathOf(number));
}

export function pathOf(
  name: string | undefined,
  directory: string | undefined,
): string | undefined {
  if (name === undefined || name.startsWith('/')) return name;
  return directory === undefined ? undefined : `${directory}/${name}`;
}

/** Each is a file of its own, whatever its name. */
function memfdCreated(call: Returned): void {
  const { host, thread, args, line } = call;
  const flags = numberOf(args[1]!);
  const { number, path } = returnedOf(call);
  const name = path ?? `/memfd:${line}`;
  host.wantRoom(line);
  const file =
    (flags & MFD.HUGETLB) === 0
      ? host.open(`/memfd:${line}`, { isReadable: true, isWritable: true })
      : host.openMemfd(`/memfd:${line}`, flags);
  thread.files.open(number, file, name, (flags & MFD.CLOEXEC) !== 0);
}

function closedRange({ thread, args }: Returned): void {
  const [first, last, flags] = args.map(numberOf);
  if ((flags! & CLOSE_RANGE_CLOEXEC) !== 0) return;
  thread.files.close(first!, last! < 0 ? Number.POSITIVE_INFINITY : last!);
}

function duplicated(call: Returned, isClosedByExec: boolean): void {
  const { number } = returnedOf(call);
  call.host.wantRoom(call.line);
  call.thread.files.duplicate(descriptorOf(call.args[0]!), number, isClosedByExec);
}

function controlled(call: Returned): void {
  const { thread, args } = call;
  switch (args[1]) {
    case 'F_DUPFD':
    case String(F.DUPFD):
      duplicated(call, false);
      break;
    case 'F_DUPFD_CLOEXEC':
    case String(F.DUPFD_CLOEXEC):
      duplicated(call, true);
      break;
    case 'F_SETFD':
    case String(F.SETFD):
      if (args[2] === undefined) throw new LineError('fcntl has 3 arguments');
      thread.files.closeByExec(descriptorOf(args[0]!).number, (numberOf(args[2]) & 1) !== 0);
      break;
    default:
  }
}

/** How large a file is matters to hugetlb, which takes pages for it. */
function hugeFileOf({ host, thread, args, line }: Returned): engine.OpenFile | undefined {
  host.wantRoom(line);
  const file = thread.files.find(descriptorOf(args[0]!), true);
  return file?.mapped?.inode.hugetlb === undefined ? undefined : file;
}

function fileCut(call: Returned): void {
  const { mm, machine } = call.host;
  const inode = hugeFileOf(call)?.mapped?.inode;
  if (inode === undefined) return;
  call.host.run(mm.setHugetlbSize({ machine, cpu: 0 }, inode, numberOf(call.args[1]!)));
}

function fileAllocated(call: Returned): void {
  const { mm, machine } = call.host;
  const file = hugeFileOf(call);
  if (file === undefined) return;
  const [mode, offset, length] = call.args.slice(1).map(numberOf);
  call.host.run(mm.fallocateFile({ machine, cpu: 0 }, file, mode!, offset!, length!));
}

/** Of another process it cannot be told when that has seen it. */
function limitedByNumber({ thread, args }: Returned): void {
  const pid = numberOf(args[0]!);
  if (pid === 0 || pid === thread.pid) limited(thread, args[1]!, args[2]!);
}

function limited({ limits, space }: Thread, resource: string, text: string): void {
  const isChanged = noteLimit(limits, resource, text);
  // A child of vfork() is in the space of its parent.
  if (isChanged && space?.limits === limits) space.applyLimits();
}

function segmentMade({ host, args, value, line }: Returned): void {
  if (host.segments.has(value)) return;
  host.wantRoom(line);
  const flags = numberOf(args[2]!) & SHM_KIND;
  const place = { machine: host.machine, cpu: 0 };
  if ((flags & SHMGET.HUGETLB) !== 0) host.noteHugePages((flags & SHMGET.NORESERVE) === 0);
  const id = host.run(host.mm.shmget(place, numberOf(args[1]!), flags));
  if (id >= 0) host.segments.set(value, id);
}

function segmentControlled({ host, args }: Returned): void {
  const id = host.segments.get(numberOf(args[0]!));
  const command = numberOf(args[1]!) & ~IPC_64;
  if (id === undefined || command !== 0) return;
  host.run(host.mm.shmctl({ machine: host.machine, cpu: 0 }, id, command));
  host.segments.delete(numberOf(args[0]!));
}

function returnedOf({ text }: Returned): DescriptorText {
  const [, number, path] = RETURNED_DESCRIPTOR.exec(text) ?? [];
  if (number === undefined) throw new LineError('a descriptor is expected as the result');
  return { number: Number(number), path };
}
