/**
 * What if shmem were backed by transparent huge pages?
 *
 * Each whole 2 MiB of a segment is a PMD leaf without a deposited table; a last partial one keeps
 * its PTE table. Nothing is shared: every process has its own PMD tables.
 *
 * @source Linux 6.18, measured: 1 GiB mapped by K processes needs K PMD tables, no PTE tables.
 *         The kernel aligns shmem mappings to 2 MiB when huge pages are on for them.
 */
import { slotPages } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import { type HostSnapshot, type Mm, RunKind } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { hugetlbPmdSharing } from '../twin/hugetlb_pmd_sharing.ts';
import type { Design } from './design.ts';
import { chainsOf, extentOf, findGap, type Interval } from './placing.ts';
import { type Part, pagesUnder, partsOf, type RunRow, withParts } from './rewrite.ts';
import { isShmem, type Segment, segmentsOf } from './segments.ts';

export const shmemThp: Design = {
  id: 'shmem-thp',
  title: 'Transparent huge pages for shared memory',
  system: 'S8',
  apply: ({ snapshot, pageBytes }) => {
    const pages = slotPages(geometryOf(snapshot));
    const segments = segmentsOf(snapshot, pages, pages, isShmem);
    const moved = toHuge(snapshot, segments, pages);
    const { enabled, filled } = state(snapshot, segments);
    return {
      snapshot: moved,
      rule: hugetlbPmdSharing(moved),
      change: 'left',
      // Whether a huge page can be had at the moment of a fault is up to fragmentation.
      bound: 'upper',
      requires: enabled
        ? ['shmem huge pages are on: the segments must be populated again, by a restart']
        : [
            'transparent_hugepage/shmem_enabled set to advise or always (tmpfs: mount with huge=)',
            'The segments created again, by a restart of what owns them',
          ],
      costs: [
        'A huge page is filled at the first touch of any of its 512 pages',
        'Where no free huge page is found, 4 KiB pages and their tables come back',
        ...(filled > 0 ? [`Up to ${filled} more pages of ${pageBytes} bytes populated`] : []),
      ],
      reservedBytes: 0,
    };
  },
};

function state(
  snapshot: HostSnapshot,
  segments: ReadonlyMap<number, Segment>,
): { readonly enabled: boolean; readonly filled: number } {
  let filled = 0;
  for (const segment of segments.values()) filled += segment.extentPages - segment.populatedPages;
  return { enabled: ['always', 'force'].includes(snapshot.host.shmemThpEnabled), filled };
}

function toHuge(
  snapshot: HostSnapshot,
  segments: ReadonlyMap<number, Segment>,
  pages: number,
): HostSnapshot {
  const isMoved = ({ vma }: Part): boolean => vma.shared && segments.has(vma.object);
  const mms = snapshot.mms.map((mm): Mm => {
    const all = partsOf(mm);
    if (!all.some(isMoved)) return mm;
    const taken: Interval[] = [...mm.vmas];
    const parts: Part[] = [];
    for (const chain of chainsOf(all, isMoved).toReversed()) {
      if (!isMoved(chain[0]!)) {
        parts.push(...chain);
        continue;
      }
      const extent = extentOf(chain);
      const length = extent.end - extent.start;
      const phase = chain[0]!.vma.offset % pages;
      const start = findGap(taken, extent, { length, alignment: pages, phase });
      parts.push(...chain.map((part) => hugePart(part, extent.start - start, pages)));
      taken.push({ start, end: start + length });
      taken.sort((a, b) => a.start - b.start);
    }
    return withParts(mm, parts);
  });
  return { ...snapshot, mms };
}

/** `part` moved down by `shift` pages, to where its address is congruent to its offset: in huge pages. */
function hugePart(part: Part, shift: number, pages: number): Part {
  const { vma } = part;
  const start = vma.start - shift;
  const end = vma.end - shift;
  const touched = new IntervalList();
  for (const row of part.rows) {
    const under = pagesUnder(vma, row, pages);
    touched.add(Math.floor((start + under.first) / pages), Math.ceil((start + under.end) / pages));
  }
  const union = touched.union();
  const rows: RunRow[] = [];
  const wholeFirst = Math.ceil(start / pages);
  const wholeEnd = Math.floor(end / pages);
  const add = (first: number, last: number, kind: number): void => {
    if (first >= last) return;
    rows.push({
      slot: first,
      count: last - first,
      kind,
      pages: (last - first) * pages,
      content: 0,
    });
  };
  for (let i = 0; i < union.length; i += 2) {
    const first = union[i]!;
    const last = union[i + 1]!;
    add(first, Math.min(last, wholeFirst), RunKind.PTE);
    add(Math.max(first, wholeFirst), Math.min(last, wholeEnd), RunKind.THP_FILE);
    add(Math.max(first, wholeEnd), last, RunKind.PTE);
  }
  return { vma: { ...vma, start, end }, rows };
}
