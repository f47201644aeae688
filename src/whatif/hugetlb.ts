/**
 * What if the shared segments were hugetlb memory?
 *
 * PTE tables go. PMD tables are shared where the kernel shares them: where a VMA covers a whole
 * 1 GiB slot (`twin/hugetlb_pmd_sharing.ts`). As placed, a segment stays where it is, rounded to
 * huge pages; aligned, it starts on a 1 GiB boundary, so that only a last partial slot is private.
 *
 * @source Linux 6.18, measured: 1 GiB mapped by K processes needs 1 PMD table aligned, 2 K if not
 */
import { slotPages } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import { type HostSnapshot, type MappedObject, type Mm, RunKind } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import type { HostTwin } from '../twin/explain.ts';
import { hugetlbPmdSharing } from '../twin/hugetlb_pmd_sharing.ts';
import type { Design, Outcome } from './design.ts';
import { chainsOf, extentOf, findGap, type Interval } from './placing.ts';
import { type Part, pagesUnder, partsOf, type RunRow, withParts } from './rewrite.ts';
import { isShmem, type Segment, segmentsOf } from './segments.ts';

export const hugetlbAsPlaced: Design = {
  id: 'hugetlb-2m',
  title: 'hugetlb 2 MiB pages for shared segments, where they are mapped now',
  system: 'S2',
  apply: (twin) => applyHugetlb(twin, /* aligned = */ false),
};

export const hugetlbAligned: Design = {
  id: 'hugetlb-2m-aligned',
  title: 'hugetlb 2 MiB pages for shared segments, mapped on 1 GiB boundaries',
  system: 'S2',
  apply: (twin) => applyHugetlb(twin, /* aligned = */ true),
};

function applyHugetlb(twin: HostTwin, aligned: boolean): Outcome {
  const { snapshot } = twin;
  const hugePages = slotPages(geometryOf(snapshot));
  const segments = segmentsOf(snapshot, hugePages, hugePages, isShmem);
  const moved = moveToHugetlb(snapshot, segments, hugePages, aligned);
  const pool = poolFor(snapshot, segments.values(), hugePages);
  const count = `${segments.size} shared segment${segments.size === 1 ? '' : 's'}`;
  return {
    snapshot: moved,
    rule: hugetlbPmdSharing(moved),
    change: 'left',
    bound: 'exact',
    requires:
      segments.size === 0
        ? ['Nothing to move: no shared segment of a huge page or more']
        : [
            `vm.nr_hugepages raised by ${pool.missing} (${pool.pages} needed for ${count})`,
            'The owners of the segments ask for huge pages (huge_pages=on, SHM_HUGETLB, MAP_HUGETLB)',
            ...(aligned ? ['The segments are mapped on 1 GiB boundaries by every process'] : []),
          ],
    costs: [
      'The pool is reserved: it cannot be swapped, reclaimed, or used for anything else',
      ...(pool.idlePages > 0 ? [`${pool.idlePages} huge pages would hold nothing yet`] : []),
      'mprotect, munmap or madvise of less than 2 MiB fails, and of less than 1 GiB unshares PMD tables',
      'mremap to where a whole 1 GiB slot is mapped never returns on Linux 6.1 to 6.19 (`ptshare check A38`)',
    ],
    reservedBytes: pool.pages * hugePages * twin.pageBytes,
  };
}

/** Huge pages that `segments` need, how many of them the pool lacks, and how many stay empty. */
export function poolFor(
  snapshot: HostSnapshot,
  segments: Iterable<Segment>,
  hugePages: number,
): { readonly pages: number; readonly missing: number; readonly idlePages: number } {
  let pages = 0;
  let populated = 0;
  for (const segment of segments) {
    pages += Math.ceil(segment.extentPages / hugePages);
    populated += Math.ceil(segment.populatedPages / hugePages);
  }
  const bytes = hugePages * geometryOf(snapshot).pageBytes;
  const pool = snapshot.host.hugetlbPools.find((entry) => entry.pageBytes === bytes);
  const available = pool === undefined ? 0 : Math.max(pool.free - pool.reserved, 0);
  return { pages, missing: Math.max(pages - available, 0), idlePages: pages - populated };
}

/** The host with each segment's VMAs mapping a hugetlb object instead, populated alike. */
function moveToHugetlb(
  snapshot: HostSnapshot,
  segments: ReadonlyMap<number, Segment>,
  hugePages: number,
  aligned: boolean,
): HostSnapshot {
  const objects: MappedObject[] = snapshot.objects.map((object, index) =>
    segments.has(index)
      ? { ...object, kind: 'hugetlb', pageBytes: hugePages * object.pageBytes }
      : object,
  );
  const mms = snapshot.mms.map((mm): Mm => {
    if (!mm.vmas.some((vma) => segments.has(vma.object) && vma.shared)) return mm;
    // Where a segment was is not given to another: it may be mapped there until the owner restarts.
    const taken: Interval[] = [...mm.vmas];
    const isMoved = ({ vma }: Part): boolean => vma.shared && segments.has(vma.object);
    const parts: Part[] = [];
    for (const chain of chainsOf(partsOf(mm), isMoved).toReversed()) {
      if (!isMoved(chain[0]!)) {
        parts.push(...chain);
        continue;
      }
      const alignment = aligned ? hugePages * hugePages : hugePages;
      const extent = extentOf(chain);
      const length = roundUp(extent.end - extent.start, alignment);
      const start = findGap(taken, extent, { length, alignment, phase: 0 });
      const moved = hugetlbParts(chain, start, hugePages);
      parts.push(...moved);
      taken.push(...moved.map(({ vma }) => vma));
      taken.sort((a, b) => a.start - b.start);
    }
    return withParts(mm, parts);
  });
  return { ...snapshot, objects, mms };
}

/**
 * A chain mapped at `start` in huge pages: whoever touched a page of one has it mapped whole. Rights are
 * those of whole huge pages: one in which they changed is the lower mapping's.
 *
 * @source mm/hugetlb.c hugetlb_vm_op_split(): mprotect of a part of a huge page is refused (EINVAL)
 */
function hugetlbParts(chain: readonly Part[], start: number, hugePages: number): Part[] {
  const { start: from } = extentOf(chain);
  const slot = start / hugePages;
  const touched = touchedIn(chain, from, hugePages);
  const offset = roundDown(chain[0]!.vma.offset, hugePages) / hugePages;
  let first = 0;
  return chain.flatMap(({ vma }): Part[] => {
    const end = Math.ceil((vma.end - from) / hugePages);
    if (end === first) return [];
    const rows: RunRow[] = [];
    for (let i = 0; i < touched.length; i += 2) {
      const at = Math.max(touched[i]!, first);
      const count = Math.min(touched[i + 1]!, end) - at;
      if (count <= 0) continue;
      const kind = RunKind.HUGETLB_PMD;
      rows.push({ slot: slot + at, count, kind, pages: count * hugePages, content: 0 });
    }
    const place = {
      start: start + first * hugePages,
      end: start + end * hugePages,
      offset: (offset + first) * hugePages,
    };
    first = end;
    return [{ vma: { ...vma, ...place }, rows }];
  });
}

/** Huge pages of a chain, which starts at `from`, that were touched. */
function touchedIn(chain: readonly Part[], from: number, hugePages: number): Float64Array {
  const touched = new IntervalList();
  for (const { vma, rows } of chain) {
    for (const row of rows) {
      const { first, end } = pagesUnder(vma, row, hugePages);
      const before = vma.start - from;
      touched.add(Math.floor((before + first) / hugePages), Math.ceil((before + end) / hugePages));
    }
  }
  return touched.union();
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function roundDown(value: number, multiple: number): number {
  return Math.floor(value / multiple) * multiple;
}
