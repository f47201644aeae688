/**
 * msharefs: names for regions.
 *
 * Each mount is an instance of its own. Its root has `mshare_info`, which says how regions are aligned,
 * and whatever files and directories are made. A file is a control file: it has no content.
 *
 * @source v3 01/22, 02/22, 03/22
 * @omits  permissions of files and directories, symbolic links, times. Names are made before races:
 *         a call on names is one step, whatever else goes on.
 */
import type { OpenFile } from '../../mm/file/open_file.ts';
import { closeInode, getInode } from '../../mm/file/shmem.ts';
import { ftruncate } from '../../mm/syscall/file_calls.ts';
import type { Task } from '../../mm/task.ts';
import type { MappedFile } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import {
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EXDEV,
} from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { alignment, dataOf, MSHARE, newRegion } from './region.ts';

/** "MSHR" */
export const MSHARE_MAGIC = 0x4d534852;
export const MOUNT_POINT = '/sys/fs/mshare';
const INFO = 'mshare_info';
const PAGES_MAX = 2 ** 51;

/** @source uapi/asm-generic/fcntl.h */
const O = { WRONLY: 1, RDWR: 2, CREAT: 0o100, EXCL: 0o200, TRUNC: 0o1000 } as const;

export interface Directory {
  readonly kind: 'directory';
  readonly ino: number;
  readonly mode: number;
  readonly entries: Map<string, Node>;
}

interface InfoFile {
  readonly kind: 'info';
  readonly ino: number;
  readonly mode: number;
}

interface RegionFile {
  readonly kind: 'region';
  readonly ino: number;
  readonly mode: number;
  /** The number of its inode, which each name refers to. */
  readonly inode: number;
  links: number;
}

export type Node = Directory | InfoFile | RegionFile;

export interface Mount {
  readonly root: Directory;
  inoNext: number;
}

/** What a descriptor of msharefs stands for. */
export interface MsharefsFile extends OpenFile {
  readonly node: Node;
}

/** A new instance (mount -t msharefs). */
export function mountMsharefs({ machine }: Pick<Task, 'machine'>): Mount {
  const info: InfoFile = { kind: 'info', ino: 2, mode: 0o444 };
  const root: Directory = {
    kind: 'directory',
    ino: 1,
    mode: 0o777,
    entries: new Map([[INFO, info]]),
  };
  const mount = { root, inoNext: 3 };
  dataOf(machine).mounts.push(mount);
  return mount;
}

/** Where a name is, or is to be: the last part of a path need not be there. */
interface Found {
  readonly directory: Directory;
  readonly name: string;
  readonly node: Node | undefined;
}

/** @returns ENOENT or ENOTDIR if it leads nowhere */
function lookup({ root }: Mount, path: string): Found | number {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const name = names.pop();
  if (name === undefined) return { directory: root, name: '', node: root };
  let directory = root;
  for (const part of names) {
    const next = directory.entries.get(part);
    if (next === undefined) return ENOENT;
    if (next.kind !== 'directory') return ENOTDIR;
    directory = next;
  }
  return { directory, name, node: directory.entries.get(name) };
}

/**
 * open(2): with O_CREAT a region is made, which `task` owns.
 *
 * @returns the open file, or a negative errno; ENOMEM if there is no memory for a host
 */
export function* open(
  task: Task,
  mount: Mount,
  path: string,
  flags: number,
): Op<MsharefsFile | number> {
  const found = lookup(mount, path);
  if (typeof found === 'number') return found;
  const isNew = found.node === undefined;
  if (isNew && (flags & O.CREAT) === 0) return ENOENT;
  if (!isNew && (flags & (O.CREAT | O.EXCL)) === (O.CREAT | O.EXCL)) return EEXIST;
  const node = found.node ?? (yield* create(task, mount, found));
  if (typeof node === 'number') return node;
  const isWritable = (flags & (O.WRONLY | O.RDWR)) !== 0;
  if (node.kind === 'directory' && (isWritable || (flags & O.CREAT) !== 0)) return EISDIR;
  const file = openFile(task, node, flags);
  if (node.kind !== 'region') return file;
  yield* getInode(task, task.machine.inodes.get(node.inode));
  // The size of a region is set by this, too.
  if ((flags & O.TRUNC) !== 0 && !isNew && isWritable) {
    const error = yield* ftruncate(task, file, 0);
    if (error < 0) {
      yield* close(task, file);
      return error;
    }
  } else if ((flags & O.TRUNC) !== 0 && isWritable) yield* ftruncate(task, file, 0);
  return file;
}

function openFile({ machine }: Task, node: Node, flags: number): MsharefsFile {
  const isRegion = node.kind === 'region';
  const mapped: MappedFile | undefined = isRegion
    ? { inode: machine.inodes.get(node.inode), design: MSHARE }
    : undefined;
  return {
    node,
    mapped,
    isReadable: (flags & 3) !== O.WRONLY,
    isWritable: (flags & 3) !== 0,
    isExecutable: true,
    pagesMax: PAGES_MAX,
  };
}

function* create(task: Task, mount: Mount, { directory, name }: Found): Op<Node | number> {
  const region = yield* newRegion(task);
  if (typeof region === 'number') return region;
  const ino = mount.inoNext++;
  const node: RegionFile = { kind: 'region', ino, mode: 0o600, inode: region.inode, links: 1 };
  directory.entries.set(name, node);
  return node;
}

/** close(2). The region goes with its last name, open file and guest. */
export function* close(task: Task, { mapped }: OpenFile): Op<void> {
  if (mapped !== undefined) yield* closeInode(task, mapped.inode);
}

/** read(2): of `mshare_info`, the alignment in bytes. @returns a negative errno of anything else */
export function read({ machine }: Task, { node, isReadable }: MsharefsFile): string | number {
  if (node.kind === 'directory') return EISDIR;
  if (node.kind === 'region' || !isReadable) return EINVAL;
  return `${alignment(machine.format) * PAGE_BYTES}\n`;
}

/** @source fs/stat.c; the size of a region is its own, once it was set */
export interface Stat {
  readonly ino: number;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
}

export function fstat({ machine }: Task, { node }: MsharefsFile): Stat {
  const { ino, mode } = node;
  if (node.kind === 'directory') {
    const below = [...node.entries.values()].filter(({ kind }) => kind === 'directory');
    return { ino, mode, links: 2 + below.length, size: 0 };
  }
  const isRegion = node.kind === 'region';
  const size = isRegion ? machine.inodes.get(node.inode).bytes : 0;
  return { ino, mode, links: isRegion ? node.links : 1, size };
}

/** @returns 0 or a negative errno */
export function mkdir(mount: Mount, path: string, mode = 0o777): number {
  const found = lookup(mount, path);
  if (typeof found === 'number') return found;
  if (found.node !== undefined) return EEXIST;
  const ino = mount.inoNext++;
  const node: Directory = { kind: 'directory', ino, mode, entries: new Map() };
  found.directory.entries.set(found.name, node);
  return 0;
}

/** @returns 0 or a negative errno */
export function rmdir(mount: Mount, path: string): number {
  const found = lookup(mount, path);
  if (typeof found === 'number') return found;
  if (found.node === undefined) return ENOENT;
  if (found.node.kind !== 'directory') return ENOTDIR;
  if (found.node.entries.size > 0) return ENOTEMPTY;
  found.directory.entries.delete(found.name);
  return 0;
}

/** Another name of a region. @returns 0 or a negative errno */
export function* link(task: Task, mount: Mount, from: string, to: string): Op<number> {
  const found = lookup(mount, from);
  if (typeof found === 'number') return found;
  const target = lookup(mount, to);
  if (typeof target === 'number') return target;
  if (found.node === undefined) return ENOENT;
  if (target.node !== undefined) return EEXIST;
  if (found.node.kind === 'directory') return EPERM;
  if (found.node.kind === 'region') {
    yield* getInode(task, task.machine.inodes.get(found.node.inode));
    found.node.links++;
  }
  target.directory.entries.set(target.name, found.node);
  return 0;
}

/** @returns 0 or a negative errno; EPERM of `mshare_info` */
export function* unlink(task: Task, mount: Mount, path: string): Op<number> {
  const found = lookup(mount, path);
  if (typeof found === 'number') return found;
  const { node } = found;
  if (node === undefined) return ENOENT;
  if (node.kind === 'directory') return EISDIR;
  if (isInfo(mount, found)) return EPERM;
  found.directory.entries.delete(found.name);
  yield* dropName(task, node);
  return 0;
}

function* dropName(task: Task, node: Node): Op<void> {
  if (node.kind !== 'region') return;
  node.links--;
  yield* closeInode(task, task.machine.inodes.get(node.inode));
}

/** The name that the file system itself has made, and not another one of the same file. */
const isInfo = ({ root }: Mount, { directory, name }: Found): boolean =>
  directory === root && name === INFO;

/** @returns 0 or a negative errno; EPERM from and to `mshare_info` */
export function* rename(
  task: Task,
  [mount, path]: readonly [Mount, string],
  [otherMount, otherPath]: readonly [Mount, string],
): Op<number> {
  if (mount !== otherMount) return EXDEV;
  const from = lookup(mount, path);
  if (typeof from === 'number') return from;
  const to = lookup(mount, otherPath);
  if (typeof to === 'number') return to;
  if (from.node === undefined) return ENOENT;
  if (isInfo(mount, from) || isInfo(mount, to)) return EPERM;
  const error = renameRefusal(from.node, to);
  if (error < 0) return error;
  if (to.node === from.node) return 0;
  from.directory.entries.delete(from.name);
  to.directory.entries.set(to.name, from.node);
  if (to.node !== undefined) yield* dropName(task, to.node);
  return 0;
}

function renameRefusal(node: Node, { directory, node: old }: Found): number {
  const isDirectory = node.kind === 'directory';
  if (isDirectory && isBelow(node, directory)) return EINVAL;
  if (old === undefined) return 0;
  if (isDirectory && old.kind !== 'directory') return ENOTDIR;
  if (!isDirectory && old.kind === 'directory') return EISDIR;
  return old.kind === 'directory' && old.entries.size > 0 ? ENOTEMPTY : 0;
}

/** Whether `directory` is `top` or below it. */
function isBelow(top: Directory, directory: Directory): boolean {
  if (top === directory) return true;
  return [...top.entries.values()].some(
    (node) => node.kind === 'directory' && isBelow(node, directory),
  );
}
