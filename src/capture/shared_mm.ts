/**
 * Finds processes that run in one address space (CLONE_VM without CLONE_THREAD: vfork(2),
 * posix_spawn(3)), so that their tables are counted once.
 */
import { createHash } from 'node:crypto';
import type { Native } from './native.ts';

/** What kcmp(2) returns for "the first one sorts before the second one". */
const BEFORE = 1;

/** One address space that was met before, under the process it was met through. */
export class SharedMms {
  readonly #native: Pick<Native, 'kcmpVm'> | undefined;
  /** Pids of distinct address spaces that look the same, each list in kcmp's own order. */
  readonly #lookalikes = new Map<string, number[]>();

  /** @param native undefined where address spaces cannot be compared: none is found to be shared */
  constructor(native: Pick<Native, 'kcmpVm'> | undefined) {
    this.#native = native;
  }

  /**
   * @param maps text of `/proc/PID/maps`: different texts cannot be one address space, so only
   *             lookalikes are compared, which forks often are
   * @returns the pid first met with this address space: `pid` itself if it is a new one
   */
  firstOwner(pid: number, vmPtePages: number, maps: string): number {
    if (this.#native === undefined) return pid;
    const key = `${vmPtePages} ${createHash('sha1').update(maps).digest('base64')}`;
    const pids = this.#lookalikes.get(key) ?? [];
    this.#lookalikes.set(key, pids);
    let low = 0;
    let high = pids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#native.kcmpVm(pid, pids[middle]!);
      if (order === 0) return pids[middle]!;
      if (order < 0) return pid;
      if (order === BEFORE) high = middle;
      else low = middle + 1;
    }
    pids.splice(low, 0, pid);
    return pid;
  }
}
