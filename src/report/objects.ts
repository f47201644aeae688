/** Mapped files and segments, with what their page tables cost. */
import { slotPages } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import type { HostSnapshot } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import type { HostTwin } from '../twin/explain.ts';
import type { Evaluation } from '../whatif/evaluate.ts';
import { addPopulated } from '../whatif/rewrite.ts';
import type { ObjectEntry } from './schema.ts';

interface Extent {
  mappers: number;
  lastMm: number;
  /** Pages of the object, as half-open intervals. */
  readonly mapped: IntervalList;
  readonly populated: IntervalList;
}

/** Objects with tables, most expensive first. */
export function objectEntries(twin: HostTwin, identical: Evaluation): ObjectEntry[] {
  const { snapshot, pageBytes, today } = twin;
  const extents = extentsOf(snapshot);
  const entries = snapshot.objects.map((object, index): ObjectEntry => {
    const extent = extents[index]!;
    const tables = today.objects[index]!;
    return {
      name: object.name,
      kind: object.kind,
      mappers: extent.mappers,
      mappedBytes: extent.mapped.unionLength() * pageBytes,
      populatedBytes: extent.populated.unionLength() * pageBytes,
      tableBytes: tables * pageBytes,
      pteTableBytes: today.objectPteTables[index]! * pageBytes,
      duplicateBytes: Math.max(tables - identical.count.objects[index]!, 0) * pageBytes,
    };
  });
  return entries
    .filter((entry) => entry.tableBytes > 0)
    .sort((a, b) => b.tableBytes - a.tableBytes);
}

function extentsOf(snapshot: HostSnapshot): Extent[] {
  const pages = slotPages(geometryOf(snapshot));
  const extents = snapshot.objects.map(
    (): Extent => ({
      mappers: 0,
      lastMm: -1,
      mapped: new IntervalList(),
      populated: new IntervalList(),
    }),
  );
  for (const [index, mm] of snapshot.mms.entries()) {
    for (const vma of mm.vmas) {
      if (vma.object < 0) continue;
      const extent = extents[vma.object]!;
      if (extent.lastMm !== index) extent.mappers++;
      extent.lastMm = index;
      extent.mapped.add(vma.offset, vma.offset + vma.end - vma.start);
    }
    addPopulated(mm, pages, (vma) => extents[vma.object]?.populated);
  }
  return extents;
}
