/**
 * Published figures about page tables, and how they come out of the code: nothing of ours is typed
 * in. `tolerance` is a fraction of the published value; 0 where the figure is arithmetic.
 */

import { compareDesigns } from '../../src/report/designs/build.ts';
import { AddressSpace } from '../../src/workload/address_space.ts';
import { database } from '../../src/workload/database.ts';
import { collapse } from '../../src/workload/post_copy/collapse.ts';
import { POST_COPY_DESIGNS } from '../../src/workload/post_copy/guest.ts';
import { HGM_GUEST, postCopy } from '../../src/workload/post_copy/post_copy.ts';
import { segmentMisses } from '../designs/segment_misses.ts';
import { oltpTables } from './oltp_2006.ts';

export interface Figure {
  readonly what: string;
  readonly source: string;
  readonly published: number;
  readonly tolerance: number;
  readonly ours: () => number;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;
const PAGE = 4096;

/** Bytes of tables that map the segment of the database workload, under a design. */
function segmentTables(design: string, processes: number, bytes: number): number {
  const { designs } = compareDesigns(database, { size: { processes, bytes }, designs: [design] });
  const segment = designs[0]!.objects.find(({ name }) => name.startsWith('/SYSV'));
  return segment?.tableBytes ?? Number.NaN;
}

/** The same before any design: all levels but the root. */
function segmentTablesToday(processes: number, bytes: number): number {
  const { designs } = compareDesigns(database, { size: { processes, bytes }, designs: ['mshare'] });
  return designs[0]!.objects.find(({ name }) => name.startsWith('/SYSV'))!.beforeBytes;
}

/** Only the PTE tables, as most who publish count: upper levels are taken off by counting them. */
function pteTables(processes: number, bytes: number): number {
  const upper = Math.ceil(bytes / GIB) + Math.ceil(bytes / (512 * GIB));
  return segmentTablesToday(processes, bytes) - processes * upper * PAGE;
}

const MSHARE = 'mshare v3, cover letter, LKML, 20 August 2025';

const SEGMENTS: readonly Figure[] = [
  {
    what: '300 GiB mapped by 1500 processes: PTE tables',
    source: MSHARE,
    published: 943_718_400_000,
    tolerance: 0,
    ours: () => pteTables(1500, 300 * GIB),
  },
  {
    what: 'the same in mshare: one tree of three levels',
    source: MSHARE,
    published: 630_378_496,
    tolerance: 0,
    ours: () => segmentTables('mshare', 1500, 300 * GIB),
  },
  {
    what: 'Oracle 11g, SGA of 8000 MB, 500 connections: about 7 GB',
    source: 'kevinclosson.net, 28 July 2009',
    published: 7 * GIB,
    tolerance: 0.1,
    ours: () => pteTables(500, 8000 * MIB),
  },
  {
    what: 'PostgreSQL, 100 GB of cache: 200 MB a backend',
    source: 'clickhouse.com, 14 July 2026',
    published: 200 * MIB,
    tolerance: 0,
    ours: () => pteTables(2, 100 * GIB) / 2,
  },
  {
    what: 'the same, 100 backends: 20 GB',
    source: 'clickhouse.com, 14 July 2026',
    published: 20 * GIB,
    tolerance: 0.03,
    ours: () => pteTables(100, 100 * GIB),
  },
  {
    what: 'an index of 390 GiB, 34 workers: about 27 GiB',
    source: 'mwmbl, pull request 418, September 2026',
    published: 27 * GIB,
    tolerance: 0.05,
    ours: () => pteTables(34, 390 * GIB),
  },
];

const MITOSIS = 'Mitosis, ASPLOS 2020, memory overhead of replicated page tables';

/** Tables of a footprint that is mapped in one piece, the root included, in pages. */
function tablesOf(bytes: number): number {
  const space = new AddressSpace();
  space.map({ start: 0, pages: bytes / PAGE });
  return space.tables() + 1;
}

const FOOTPRINTS: readonly (readonly [string, number, number, readonly number[]])[] = [
  ['1 MB', MIB, 4, [1.015, 1.046, 1.108, 1.231]],
  ['1 GB', GIB, 515, [1.002, 1.006, 1.014, 1.029]],
  ['1 TB', TIB, 525_315, [1.002, 1.006, 1.014, 1.029]],
  ['16 TB', 16 * TIB, 8_405_025, [1.002, 1.006, 1.014, 1.029]],
];

const REPLICATED: readonly Figure[] = FOOTPRINTS.flatMap(([name, bytes, pages, overheads]) => [
  {
    what: `${name}: pages of tables`,
    source: MITOSIS,
    published: pages,
    tolerance: 0,
    ours: () => tablesOf(bytes),
  },
  ...overheads.map((published, index) => ({
    what: `${name} with ${2 ** (index + 1)} replicas: memory against one`,
    source: MITOSIS,
    published,
    tolerance: 0,
    ours: () => {
      const tables = tablesOf(bytes) * PAGE;
      const overhead = (bytes + 2 ** (index + 1) * tables) / (bytes + tables);
      return Number(overhead.toFixed(3));
    },
  })),
]);

const OLTP = 'shared page tables, OLTP on x86-64 with 8 GB, LKML, 2006';

/** One population under the rules of the design: how it follows from the report is said there. */
const SHARED_2006: readonly Figure[] = (
  [
    ['small pages, not shared: 1.65 GB', 1.65 * GIB, 'small', false],
    ['small pages, shared: 51 MB', 51 * MIB, 'small', true],
    ['huge pages, not shared: 53 MB', 53 * MIB, 'huge', false],
    ['huge pages, shared: 37 MB', 37 * MIB, 'huge', true],
  ] as const
).map(([what, published, pages, isShared]) => ({
  what: `page tables of a database, ${what}`,
  source: OLTP,
  published,
  tolerance: 0.01,
  ours: () => oltpTables(pages, isShared),
}));

const PPC64 = 'Dave McCracken on shared page tables for ppc64, LKML, 24 January 2006';

/** "All processes sharing a segment can reuse TLB entries": misses against those of one process. */
const SHARED_TLB: readonly Figure[] = [2, 5, 20].flatMap((processes) =>
  ([true, false] as const).map((isShared) => ({
    what: `${processes} processes over a segment that is ${isShared ? '' : 'not '}shared: TLB misses`,
    source: PPC64,
    published: isShared ? 1 : processes,
    tolerance: 0,
    ours: () =>
      segmentMisses(processes, 'segment', isShared) / segmentMisses(1, 'segment', isShared),
  })),
);

const HGM = 'hugetlb high-granularity mapping, cover letter, LKML, 24 June 2022';

/** The median time to fetch a page, in microseconds: 48 vCPUs, 25 Gbit/s, 30 us there and back. */
const fetchUs = (pieceBytes: number): number => postCopy({ ...HGM_GUEST, pieceBytes }).medianUs;

const COLLAPSE = 'James Houghton on collapsing pages of 1 GiB, LKML, January 2023';

/** The second round of a collapse: what it takes is known of a collapse at once, by either count. */
function slowdown(): number {
  const [entries, subpages] = ['hgm-v1', 'hgm-v2'].map((id) => {
    const design = POST_COPY_DESIGNS.find((candidate) => candidate.id === id)!;
    return collapse({ guestBytes: GIB }, { ...design, pieceBytes: 2 * MIB }, [GIB]).totalUs;
  });
  return subpages! / entries!;
}

const POST_COPY: readonly Figure[] = [
  {
    what: 'post-copy, 4 KiB at a time: a fetch in less than 100 us, or what it takes',
    source: HGM,
    published: 100,
    tolerance: 0,
    ours: () => Math.max(100, fetchUs(PAGE)),
  },
  {
    what: 'post-copy, 2 MiB at a time: a fetch in more than 10 ms, or what it takes',
    source: HGM,
    published: 10_000,
    tolerance: 0,
    ours: () => Math.min(10_000, fetchUs(2 * MIB)),
  },
  {
    what: '2 MiB to 1 GiB with counts at small pages: at least 100 times as long, or what it is',
    source: COLLAPSE,
    published: 100,
    tolerance: 0,
    ours: () => Math.min(100, slowdown()),
  },
  {
    what: '2 MiB to 1 GiB with counts at small pages: at most 500 times as long, or what it is',
    source: COLLAPSE,
    published: 500,
    tolerance: 0,
    ours: () => Math.max(500, slowdown()),
  },
];

export const FIGURES: readonly Figure[] = [
  ...SEGMENTS,
  ...REPLICATED,
  ...SHARED_2006,
  ...SHARED_TLB,
  ...POST_COPY,
];
