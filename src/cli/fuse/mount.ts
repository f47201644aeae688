/** Mounting a tree of /proc: requests come from /dev/fuse, without any library. */
import { spawn, spawnSync } from 'node:child_process';
import { close, openSync, read, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { promisify } from 'node:util';
import type { ProcNode } from '../../procfs/index.ts';
import { ExitCode, Failure } from '../failure.ts';
import { ProcFileSystem } from './proc_file_system.ts';
import { parseRequest, REQUEST_BYTES_MAX } from './protocol.ts';

const readAsync = promisify(read);
const closeAsync = promisify(close);

export interface Mounted {
  /** Takes it away; who has files of it open keeps them until then. */
  unmount(): Promise<void>;
  /** When it is gone. */
  readonly ended: Promise<void>;
}

/**
 * Mounts `tree` at the folder `path`, for everybody to read.
 *
 * @throws Failure if that is not possible here
 */
export function mountProc(path: string, tree: ProcNode): Mounted {
  const descriptor = openFuse();
  const options = 'ro,nosuid,nodev,noexec,allow_other,default_permissions';
  const fuse = `fd=3,rootmode=40000,user_id=0,group_id=0,${options}`;
  const { status, stderr, error } = spawnSync(
    'mount',
    ['-i', '-t', 'fuse', '-o', fuse, 'ptshare', path],
    { stdio: ['ignore', 'ignore', 'pipe', descriptor], encoding: 'utf8' },
  );
  if (error !== undefined || status !== 0) {
    const why = error?.message ?? stderr.trim();
    throw cannotMount(`${path}: ${why}`, 'Name a folder that exists');
  }
  return {
    ended: serve(descriptor, new ProcFileSystem(tree)),
    unmount: () => unmount(path),
  };
}

/** Not by waiting for it: umount(8) looks at what is mounted, which is to be answered. */
function unmount(path: string): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('umount', ['-l', path], { stdio: 'ignore' });
    child.on('error', () => resolve());
    child.on('exit', () => resolve());
  });
}

function openFuse(): number {
  if (endianness() !== 'LE') {
    throw cannotMount('/proc: this machine is big-endian', 'Write a folder with --proc');
  }
  try {
    return openSync('/dev/fuse', 'r+');
  } catch (error) {
    const why = (error as Error).message;
    throw cannotMount(`/proc: ${why}`, 'Run it as root where there is /dev/fuse, or use --proc');
  }
}

function cannotMount(what: string, mend: string): Failure {
  return new Failure(ExitCode.CANNOT_RUN, `Cannot mount ${what}`, mend);
}

/** Answers requests until it is unmounted. */
async function serve(descriptor: number, files: ProcFileSystem): Promise<void> {
  const buffer = Buffer.alloc(REQUEST_BYTES_MAX);
  try {
    for (;;) {
      const bytes = await nextRequest(descriptor, buffer);
      if (bytes < 0) return;
      if (bytes === 0) continue;
      const answer = files.answer(parseRequest(buffer.subarray(0, bytes)));
      if (answer !== undefined) send(descriptor, answer);
    }
  } finally {
    await closeAsync(descriptor);
  }
}

/** How many bytes it has, 0 if it was interrupted, -1 if there will be no more. */
async function nextRequest(descriptor: number, buffer: Buffer): Promise<number> {
  try {
    return (await readAsync(descriptor, buffer, 0, buffer.length, null)).bytesRead;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENODEV') return -1;
    if (code === 'ENOENT' || code === 'EINTR' || code === 'EAGAIN') return 0;
    throw error;
  }
}

/** Who asked may have gone meanwhile. */
function send(descriptor: number, answer: Buffer): void {
  try {
    writeSync(descriptor, answer);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
  }
}
