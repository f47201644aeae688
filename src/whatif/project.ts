/** What if a group had more processes, or fewer? The members stay as they are; copies are added. */
import { assert } from '../base/assert.ts';
import type { HostSnapshot, Mm } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { explainHost } from '../twin/explain.ts';
import { userPages } from './evaluate.ts';

/**
 * `snapshot` with `processes` members in the group that `belongs` tells.
 *
 * Added members are copies of the median one by VmPTE: mapped and populated alike, sharing with the
 * others what it shares. Removed are the members with the least tables. `PageTables` of the host
 * follows.
 *
 * @throws RangeError if the group has no member that can be copied
 */
export function projectGroup(
  snapshot: HostSnapshot,
  belongs: (mm: Mm) => boolean,
  processes: number,
): HostSnapshot {
  assert(Number.isInteger(processes), 'a number of processes is whole');
  assert(processes >= 0, 'a number of processes is not negative');
  const members = snapshot.mms
    .filter((mm) => belongs(mm) && mm.visibility === 'tables')
    .toSorted((a, b) => a.vmPtePages - b.vmPtePages);
  const template = members[Math.floor(members.length / 2)];
  if (template === undefined) {
    throw new RangeError('Cannot project a group: no process of it was read with its tables');
  }
  const removed = new Set(members.slice(0, Math.max(members.length - processes, 0)));
  const kept = snapshot.mms.filter((mm) => !removed.has(mm));
  const pidMax = snapshot.mms.reduce((highest, mm) => Math.max(highest, mm.pid), 0);
  const copies = Array.from(
    { length: Math.max(processes - members.length, 0) },
    (_, index): Mm => ({ ...template, pid: pidMax + 1 + index, sharers: [] }),
  );
  return withReported(snapshot, { ...snapshot, mms: [...kept, ...copies] });
}

/** `after` with the `PageTables` that the kernel would report, the host being `before` now. */
function withReported(before: HostSnapshot, after: HostSnapshot): HostSnapshot {
  const grown = userPages(explainHost(after)) - userPages(explainHost(before));
  const pageTablesBytes = before.host.pageTablesBytes + grown * geometryOf(before).pageBytes;
  return { ...after, host: { ...after.host, pageTablesBytes } };
}
