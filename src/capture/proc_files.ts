/** The files of `/proc`, and what it means when one cannot be read. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { parseStartTime } from '../proc/stat.ts';
import { type ProcessStatus, parseStatus } from '../proc/status.ts';

/** A command line may be megabytes long. */
const COMMAND_LINE_BYTES_MAX = 4096;

/** Why a process could not be read: it has ended, or it belongs to someone else. */
export type Obstacle = 'vanished' | 'denied';

/** @returns undefined for an error that is neither: a fault of ours or of the host */
export function obstacleOf(error: unknown): Obstacle | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // EINVAL: mountinfo cannot be opened once an ending process has dropped its namespaces.
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return 'vanished';
  if (code === 'EACCES' || code === 'EPERM') return 'denied';
  return undefined;
}

/** Thrown where the absence of content, and not of a file, says that a process has ended. */
export class ProcessGone extends Error {
  override readonly name = 'ProcessGone';
  readonly code = 'ESRCH';
}

export class ProcFiles {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  pids(): number[] {
    return readdirSync(this.root)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  }

  text(...names: readonly (string | number)[]): string {
    return readFileSync(this.path(...names), 'utf8');
  }

  link(...names: readonly (string | number)[]): string {
    return readlinkSync(this.path(...names));
  }

  status(pid: number): ProcessStatus {
    return parseStatus(this.text(pid, 'status'));
  }

  /** In clock ticks after boot: a process is the same one if its pid and this are. */
  startTime(pid: number): number {
    return parseStartTime(this.text(pid, 'stat'));
  }

  /** Its beginning, arguments joined by spaces. */
  commandLine(pid: number): string {
    const file = openSync(this.path(pid, 'cmdline'), 'r');
    try {
      const bytes = Buffer.alloc(COMMAND_LINE_BYTES_MAX);
      const length = readSync(file, bytes);
      return bytes.toString('utf8', 0, length).replaceAll('\0', ' ').trimEnd();
    } finally {
      closeSync(file);
    }
  }

  /** Runs `use` with the open pagemap of a process. */
  async withPagemap<T>(pid: number | 'self', use: (pagemap: number) => Promise<T>): Promise<T> {
    const pagemap = openSync(this.path(pid, 'pagemap'), 'r');
    try {
      return await use(pagemap);
    } finally {
      closeSync(pagemap);
    }
  }

  hasUserfaultfd(pid: number): boolean {
    return readdirSync(this.path(pid, 'fd')).some((descriptor) => {
      return this.optional(() => this.link(pid, 'fd', descriptor)) === USERFAULTFD;
    });
  }

  /** What `read` returns, or undefined if the file is gone or not ours to read. */
  optional<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (obstacleOf(error) === undefined) throw error;
      return undefined;
    }
  }

  path(...names: readonly (string | number)[]): string {
    return join(this.root, ...names.map(String));
  }
}

const USERFAULTFD = 'anon_inode:[userfaultfd]';
