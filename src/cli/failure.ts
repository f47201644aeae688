/** How a command ends, and what it says when it cannot do what was asked. */

import { CaptureError } from '../capture/capture_error.ts';
import { ExactModeUnavailable } from '../capture/exact/unavailable.ts';
import { printable } from '../report/printable.ts';
import { SnapshotError } from '../snapshot/snapshot_error.ts';

export const ExitCode = {
  FINE: 0,
  FINDING: 1,
  WRONG_USE: 2,
  CANNOT_RUN: 3,
  /** A fault of ptshare itself: EX_SOFTWARE of sysexits.h. */
  FAULT: 70,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An expected end: the message says the cause and the place, `mend` what to do about it. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  readonly mend: string;

  constructor(exitCode: ExitCode, message: string, mend: string) {
    super(message);
    this.exitCode = exitCode;
    this.mend = mend;
  }
}

export function wrongUse(message: string, mend: string): Failure {
  return new Failure(ExitCode.WRONG_USE, message, mend);
}

/** What to print on stderr and how to exit for anything that was thrown. */
export function explain(error: unknown): { readonly text: string; readonly exitCode: ExitCode } {
  const { exitCode, lines } = classify(error);
  const shown = lines.filter((line) => line !== '').map(printable);
  const stack = process.env.PTSHARE_DEBUG && error instanceof Error ? [String(error.stack)] : [];
  return {
    text: `${['ptshare: '.concat(shown[0]!), ...shown.slice(1), ...stack].join('\n')}\n`,
    exitCode,
  };
}

function classify(error: unknown): { readonly exitCode: ExitCode; readonly lines: string[] } {
  if (error instanceof Failure) {
    return { exitCode: error.exitCode, lines: [error.message, error.mend] };
  }
  if (error instanceof SnapshotError) {
    return { exitCode: ExitCode.WRONG_USE, lines: [error.message] };
  }
  if (error instanceof CaptureError) {
    return { exitCode: ExitCode.CANNOT_RUN, lines: [error.message] };
  }
  if (error instanceof ExactModeUnavailable) {
    return { exitCode: ExitCode.CANNOT_RUN, lines: [error.message, error.mend] };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    exitCode: ExitCode.FAULT,
    lines: [
      `Fault in ptshare itself: ${message}`,
      'Please report it, with what PTSHARE_DEBUG=1 prints in addition',
    ],
  };
}

/** The reasons of the operating system that a user can mend, in words. */
const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENXIO: 'no such device or address',
  EISDIR: 'it is a directory',
  ENOTEMPTY: 'the directory is not empty',
  EEXIST: 'it is there already',
  ENOTDIR: 'a part of the path is not a directory',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  EDQUOT: 'the disk quota is exceeded',
  EFBIG: 'the file would be too large',
};

/**
 * A failure to `action` (as in `read before.parquet`) for a reason of the operating system.
 *
 * @throws error itself if it is not one of those
 */
export function fileFailure(action: string, error: unknown, mend: string): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = SYSTEM_REASONS[code];
  if (reason === undefined) throw error;
  return wrongUse(`Cannot ${action}: ${reason}`, mend);
}
