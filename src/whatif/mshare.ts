/**
 * What if the shared objects were put into mshare regions?
 *
 * A region is 512 GiB of one host mm. Its PUD table and everything below it exists once; an
 * attached process only points its P4D entry (the PGD entry with four levels) at it. One region an
 * object, and only for objects whose tables cost more today than their region would.
 *
 * @source mshare v3, August 2025: regions aligned to 512 GiB; MAP_SHARED objects only: shared
 *         anonymous memory, files and hugetlb; the guest VMA has no tables of its own
 */
import { slotPages, slotsPerTable } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import {
  type HostSnapshot,
  type MappedObject,
  type Mm,
  RunKind,
  type Vma,
} from '../snapshot/records.ts';
import { countTables, geometryOf, SHARE_NOTHING } from '../twin/count_tables.ts';
import type { HostTwin } from '../twin/explain.ts';
import { hugetlbPmdSharing } from '../twin/hugetlb_pmd_sharing.ts';
import { PROT } from '../uapi/mman.ts';
import type { Design, Outcome } from './design.ts';
import { isPmdLeaf, type Part, pagesUnder, partsOf, type RunRow, withParts } from './rewrite.ts';
import { mapsShared, type Segment, segmentsOf } from './segments.ts';

/** `comm` of the host mms that stand for the regions. */
export const REGION_COMM = 'msharefs';

export const mshare: Design = {
  id: 'mshare',
  title: 'mshare: one host mm for each shared object, in 512 GiB regions',
  system: 'S4',
  apply: applyMshare,
};

function applyMshare(twin: HostTwin): Outcome {
  const { snapshot } = twin;
  const pages = slotPages(geometryOf(snapshot));
  const candidates = segmentsOf(snapshot, pages, 1, isShareable);
  const regions = new Map<number, Mm>();
  for (const segment of candidates.values()) {
    if (segment.mms.length < 2) continue;
    const region = hostMm(snapshot, segment, pages);
    if (twin.today.objects[segment.object]! > tablesOf(snapshot, region)) {
      regions.set(segment.object, region);
    }
  }
  const guests = snapshot.mms.map((mm) => detach(mm, regions));
  const moved = { ...snapshot, mms: [...guests, ...regions.values()] };
  const attached = [...regions.keys()].map((object) => candidates.get(object)!.mms);
  return {
    snapshot: moved,
    rule: hugetlbPmdSharing(moved),
    change: 'left',
    guests: new Map(attached.map((mms, index) => [guests.length + index, mms])),
    bound: 'exact',
    requires: [
      'A kernel with mshare: v3 was posted in August 2025 and is not merged',
      regions.size === 0
        ? 'Nothing to move: no shared object costs more tables than a region of its own'
        : `${regions.size} shared object${regions.size === 1 ? '' : 's'} mapped through msharefs by the programs that use them`,
    ],
    costs: [
      'A region belongs to the thread that made it and ends with it',
      'Every unmap or protection change inside a region flushes the TLBs of all CPUs',
      'One protection for all processes; no private mappings inside; no partial munmap or mprotect',
    ],
    reservedBytes: 0,
  };
}

function isShareable(object: MappedObject): boolean {
  return object.kind !== 'device' && object.kind !== 'special';
}

/** Tables of a region with its root, in pages. */
function tablesOf(snapshot: HostSnapshot, region: Mm): number {
  const alone = countTables({ ...snapshot, mms: [region] }, SHARE_NOTHING);
  return alone.distinct + snapshot.host.rootPages;
}

/** `mm` without the VMAs whose objects moved: a guest VMA has no tables. */
function detach(mm: Mm, regions: ReadonlyMap<number, Mm>): Mm {
  if (!mm.vmas.some((vma) => vma.shared && regions.has(vma.object))) return mm;
  return withParts(
    mm,
    partsOf(mm).filter(({ vma }) => !(vma.shared && regions.has(vma.object))),
  );
}

/** The host mm of a region that holds one object, populated with what any sharer has populated. */
function hostMm(snapshot: HostSnapshot, segment: Segment, pages: number): Mm {
  const tables = new IntervalList();
  const leaves = new IntervalList();
  const pudLeaves = new IntervalList();
  for (const index of segment.mms) {
    for (const { vma, rows } of partsOf(snapshot.mms[index]!)) {
      if (vma.object !== segment.object || !mapsShared(snapshot, vma, isShareable)) continue;
      for (const row of rows) {
        const under = pagesUnder(vma, row, pages);
        const first = Math.floor((vma.offset + under.first) / pages);
        const end = Math.ceil((vma.offset + under.end) / pages);
        const list = isPmdLeaf(row.kind)
          ? leaves
          : row.kind === RunKind.HUGETLB_PUD
            ? pudLeaves
            : tables;
        list.add(first, end);
      }
    }
  }
  const template = snapshot.mms[segment.mms[0]!]!;
  const base = slotsPerTable(geometryOf(snapshot), Math.min(geometryOf(snapshot).levels - 1, 3));
  const object = snapshot.objects[segment.object]!;
  const leafKind = object.kind === 'hugetlb' ? RunKind.HUGETLB_PMD : RunKind.THP_FILE;
  const rows = [
    ...rowsOf(tables, RunKind.PTE, base, pages),
    ...rowsOf(leaves, leafKind, base, pages),
    ...rowsOf(pudLeaves, RunKind.HUGETLB_PUD, base, pages),
  ];
  const vma: Vma = {
    start: base * pages,
    end: base * pages + Math.ceil(segment.extentPages / pages) * pages,
    protection: PROT.READ | PROT.WRITE,
    shared: true,
    offset: 0,
    object: segment.object,
    label: '',
  };
  const part: Part = { vma, rows };
  const region: Mm = {
    ...template,
    pid: 0,
    sharers: [],
    comm: REGION_COMM,
    commandLine: object.name,
    vmPtePages: 0,
    stable: true,
  };
  return withParts(region, [part]);
}

function rowsOf(list: IntervalList, kind: number, base: number, pages: number): RunRow[] {
  const union = list.union();
  const rows: RunRow[] = [];
  for (let i = 0; i < union.length; i += 2) {
    const count = union[i + 1]! - union[i]!;
    rows.push({ slot: base + union[i]!, count, kind, pages: count * pages, content: 0 });
  }
  return rows;
}
