/**
 * The database of the reports on the shared page tables of 2006, as parameters that follow from its
 * figures: 1.65 GB of tables without sharing, 51 MB with it; with huge pages 53 MB and 37 MB.
 *
 * - Shared small pages take 14 MB more than shared huge pages: the PTE tables of the segment, once.
 *   512 times as much is the segment: 7 GiB, of a machine with 8 GB.
 * - Without sharing, small pages take 1.65 GB - 53 MB more than huge pages: 117 times those 14 MB. That
 *   many processes have touched all of the segment.
 * - Shared huge pages leave 37 MB to 117 processes: 81 tables each, which nobody shares.
 * - Sharing takes 16 MB from huge pages: 35 tables of each process. 7 are PMD tables of the segment;
 *   the others map text.
 *
 * Four figures and four parameters: what is checked is that one population has all four at once, under
 * the rules of the design and with whole tables and processes.
 *
 * @source Brian Twichell and Dave McCracken, LKML, 2006: OLTP, 4-way x86-64, 8 GB
 */
import type { HostSnapshot } from '../../src/snapshot/records.ts';
import { countTables, SHARE_NOTHING } from '../../src/twin/count_tables.ts';
import { explainHost } from '../../src/twin/explain.ts';
import { PROT } from '../../src/uapi/mman.ts';
import { evaluateDesigns } from '../../src/whatif/evaluate.ts';
import { hugetlbAsPlaced } from '../../src/whatif/hugetlb.ts';
import { sharedPteAndPmdTables } from '../../src/whatif/shared_page_tables_2006.ts';
import { AddressSpace } from '../../src/workload/address_space.ts';
import { fileObject, hostOf, processOf } from '../../src/workload/host.ts';

const PROCESSES = 117;
const SEGMENT_GIB = 7;
const TEXT_TABLES = 28;
/** A root, one PUD table and one PMD table besides. */
const OWN_TABLES = 81 - 3;
const TABLE = 512;
const GIB = 2 ** 18;
const SEGMENT_START = 4 * GIB;

function oltp(): HostSnapshot {
  const segment = { ...fileObject('/SYSV00000000', 1), kind: 'sysv' as const, device: '00:01' };
  const objects = [fileObject('/opt/db/server', 2), segment];
  const mms = Array.from({ length: PROCESSES }, (_, index) => {
    const space = new AddressSpace();
    const text = { object: 0, protection: PROT.READ | PROT.EXEC };
    space.map({ start: TABLE, pages: TEXT_TABLES * TABLE, ...text });
    space.map({ start: (2 + TEXT_TABLES) * TABLE, pages: OWN_TABLES * TABLE, label: '[heap]' });
    space.map({ start: SEGMENT_START, pages: SEGMENT_GIB * GIB, shared: true, object: 1 });
    const identity = { comm: 'server', commandLine: 'server', cgroup: '' };
    return processOf(space, { pid: 1000 + index, ...identity });
  });
  return hostOf('oltp.example', objects, mms);
}

/** Bytes of user page tables, roots included. */
export function oltpTables(pages: 'small' | 'huge', isShared: boolean): number {
  const small = oltp();
  const snapshot = pages === 'small' ? small : hugetlbAsPlaced.apply(explainHost(small)).snapshot;
  const roots = snapshot.mms.length;
  const [evaluation] = evaluateDesigns(explainHost(snapshot), [sharedPteAndPmdTables]);
  const count = isShared ? evaluation!.count : countTables(snapshot, SHARE_NOTHING);
  return (count.distinct + roots) * 4096;
}
