/** Shared memory segments of a host: what the designs for databases move. */
import { IntervalList } from '../base/interval.ts';
import type { HostSnapshot, MappedObject, Vma } from '../snapshot/records.ts';
import { addPopulated } from './rewrite.ts';

/** One object, seen over all address spaces that map it shared. */
export interface Segment {
  readonly object: number;
  /** Indexes of `HostSnapshot.mms`, ascending. */
  readonly mms: readonly number[];
  /** Pages from the object's start to the end of the furthest mapping. */
  readonly extentPages: number;
  /** Of these, pages in slots where at least one address space has something populated. */
  readonly populatedPages: number;
}

/** Objects whose memory is shmem: SysV segments, memfds, tmpfs files, shared anonymous memory. */
export function isShmem(object: MappedObject): boolean {
  return ['shmem', 'sysv', 'memfd', 'shared-anon'].includes(object.kind);
}

/** Whether `vma` maps an object MAP_SHARED that `wanted` accepts. */
export function mapsShared(
  snapshot: HostSnapshot,
  vma: Vma,
  wanted: (object: MappedObject) => boolean,
): boolean {
  return vma.shared && vma.object >= 0 && wanted(snapshot.objects[vma.object]!);
}

/** Segments of at least `pagesMin`, by object. */
export function segmentsOf(
  snapshot: HostSnapshot,
  slotPages: number,
  pagesMin: number,
  wanted: (object: MappedObject) => boolean,
): Map<number, Segment> {
  const found = new Map<number, { mms: number[]; extent: number; populated: IntervalList }>();
  for (const [index, mm] of snapshot.mms.entries()) {
    for (const vma of mm.vmas) {
      if (!mapsShared(snapshot, vma, wanted)) continue;
      let entry = found.get(vma.object);
      if (entry === undefined) {
        entry = { mms: [], extent: 0, populated: new IntervalList() };
        found.set(vma.object, entry);
      }
      if (entry.mms.at(-1) !== index) entry.mms.push(index);
      entry.extent = Math.max(entry.extent, vma.offset + vma.end - vma.start);
    }
    addPopulated(mm, slotPages, (vma) =>
      vma.shared ? found.get(vma.object)?.populated : undefined,
    );
  }
  const segments = new Map<number, Segment>();
  for (const [object, { mms, extent, populated }] of found) {
    if (extent < pagesMin) continue;
    const populatedPages = populated.unionLength();
    segments.set(object, { object, mms, extentPages: extent, populatedPages });
  }
  return segments;
}
