/** renameat2(2) through koffi, which is an optional dependency. */
import { createRequire } from 'node:module';
import type { Exchange } from './compact.ts';

/** @source linux include/uapi/linux/{fcntl,fs}.h */
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;

/** @returns undefined if koffi is not installed, or the C library has no renameat2() */
export function loadExchange(): Exchange | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const renameat2: (...values: (number | string)[]) => number = koffi
      .load(null)
      .func(
        'int renameat2(int folder, const char *path, int otherFolder, const char *otherPath, unsigned int flags)',
      );
    return (path, otherPath) =>
      renameat2(AT_FDCWD, path, AT_FDCWD, otherPath, RENAME_EXCHANGE) === 0;
  } catch {
    return undefined;
  }
}
