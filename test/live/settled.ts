/**
 * A capture of a host on which other processes come and go, held against walks before and after.
 *
 * No moment is waited for at which the whole host holds still. Processes that have as many tables
 * in both walks are judged; those of all others, as walked, are taken off PageTables. One thing can
 * neither be walked nor taken off: tables that no process has any more and that the kernel frees
 * after an RCU grace period. So PageTables, as captured, has to be all that the second walk finds.
 */
import { captureHost } from '../../src/capture/capture.ts';
import { countAccountedPages } from '../../src/capture/exact/kernel_tables.ts';
import type { WalkedHost, WalkedMm } from '../../src/capture/exact/walk.ts';
import type { HostSnapshot, Mm } from '../../src/snapshot/records.ts';
import { eventually, Missed } from './eventually.ts';
import { distinctFrames, walkHost } from './walks.ts';

const PAGE_BYTES = 4096;

export interface SettledHost {
  /** The host as if it had only had the processes that held still. */
  readonly snapshot: HostSnapshot;
  /** Pages of the kernel's own tables, as walked. */
  readonly kernelPages: number;
  /** Pages of tables of the processes that are left out, as walked. */
  readonly otherPages: number;
}

/** @param pids processes that must hold still */
export function captureSettled(pids: readonly number[]): Promise<SettledHost> {
  return eventually('a capture ends while PageTables is what is walked', async () => {
    const earlier = walkHost();
    const snapshot = await captureHost({ includeContent: false });
    const later = walkHost();
    const { user, kernel } = countAccountedPages(later);
    const unseen = snapshot.host.pageTablesBytes / PAGE_BYTES - user - kernel;
    if (unseen !== 0) return new Missed(`${unseen} pages beyond the walk`);

    const still = unchanged(earlier, later);
    const wrong = still.find((walked) => recordOf(walked, snapshot) === undefined);
    if (wrong !== undefined) return new Missed(`${wrong.comm} (${wrong.pids}) captured otherwise`);
    const restless = pids.find((pid) => !still.some((mm) => mm.pids.includes(pid)));
    if (restless !== undefined) return new Missed(`process ${restless} changing`);

    const otherPages = user - distinctFrames(still);
    const mms = still.map((walked) => recordOf(walked, snapshot)!);
    return { snapshot: onlyWith(mms, otherPages, snapshot), kernelPages: kernel, otherPages };
  });
}

/** Address spaces of processes that have as many tables in both walks. */
function unchanged(earlier: WalkedHost, later: WalkedHost): WalkedMm[] {
  const before = new Map(earlier.mms.map((mm) => [mm.pids[0], mm]));
  return later.mms.filter((mm) => {
    const [pid] = mm.pids;
    const same = pid === undefined ? undefined : before.get(pid);
    return mm.stable && same?.mm === mm.mm && same.pgtablesBytes === mm.pgtablesBytes;
  });
}

/** `undefined` if it was not captured as it was walked. */
function recordOf(walked: WalkedMm, { mms }: HostSnapshot): Mm | undefined {
  return mms.find(
    ({ pid, stable, vmPtePages }) =>
      walked.pids.includes(pid) && stable && vmPtePages * PAGE_BYTES === walked.pgtablesBytes,
  );
}

function onlyWith(mms: readonly Mm[], otherPages: number, snapshot: HostSnapshot): HostSnapshot {
  const { host } = snapshot;
  const pageTablesBytes = host.pageTablesBytes - otherPages * PAGE_BYTES;
  return { ...snapshot, host: { ...host, pageTablesBytes }, mms };
}
