/** Java heaps: private memory, whose tables huge pages from the pool save, and THP does not. */
import { slotPages } from '../../arch/geometry.ts';
import { type Mm, RunKind } from '../../snapshot/records.ts';
import { geometryOf } from '../../twin/count_tables.ts';
import { PROT } from '../../uapi/mman.ts';
import { partsOf } from '../../whatif/rewrite.ts';
import type { Adviser } from './adviser.ts';

export const adviseJvm: Adviser = ({ twin }) => {
  const pages = slotPages(geometryOf(twin.snapshot));
  return twin.snapshot.mms
    .filter((mm) => mm.comm === 'java')
    .map((mm) => {
      const tables = privateHeapTables(mm, pages);
      return {
        segments: [],
        entry: {
          id: `jvm-large-pages:${mm.pid}`,
          title: `Put the heap of the Java virtual machine ${mm.pid} into huge pages`,
          appliesTo: mm.comm,
          savesBytes: tables * twin.pageBytes,
          why: 'A heap of 4 KiB pages needs a PTE table for each 2 MiB; with transparent huge pages such a table is kept in reserve all the same',
          steps: [
            {
              text: 'Reserve huge pages for -Xmx, the code cache and the metaspace of this machine',
              command: `sysctl -w vm.nr_hugepages=${poolTotal(twin.snapshot.host.hugetlbPools, pages * twin.pageBytes) + tables}`,
            },
            {
              text: 'Start it with large pages and a heap touched at the start',
              command: 'java -XX:+UseLargePages -XX:+AlwaysPreTouch ...',
            },
          ],
          caveats: [
            '-XX:+UseTransparentHugePages saves TLB misses, but no page tables',
            'The heap can neither shrink nor be swapped then',
          ],
        },
      };
    });
};

/** Tables, deposited ones too, that map nothing but the machine's own writable memory. */
function privateHeapTables(mm: Mm, pages: number): number {
  let tables = 0;
  for (const { vma, rows } of partsOf(mm)) {
    if (vma.object >= 0 || vma.shared || vma.label === '[stack]') continue;
    if ((vma.protection & PROT.WRITE) === 0 || (vma.protection & PROT.EXEC) !== 0) continue;
    for (const row of rows) {
      if (row.kind !== RunKind.PTE && row.kind !== RunKind.THP_ANON) continue;
      const first = Math.max(row.slot, Math.ceil(vma.start / pages));
      const end = Math.min(row.slot + row.count, Math.floor(vma.end / pages));
      tables += Math.max(end - first, 0);
    }
  }
  return tables;
}

function poolTotal(
  pools: readonly { readonly pageBytes: number; readonly total: number }[],
  pageBytes: number,
): number {
  return pools.find((pool) => pool.pageBytes === pageBytes)?.total ?? 0;
}
