/**
 * A database host, written by hand: PostgreSQL and a SysV segment that many processes map, a JVM on
 * huge pages, and the usual small fry. Sums agree with each other as in a real report.
 */
import type { DesignEntry, HostReport, ProcessEntry } from '../src/report/schema.ts';

const PAGE = 4096;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const HUGE_PAGES = 10_446;

export const POSTGRES = 'postgres';
export const FEED = 'market-data-fee';

interface Tables {
  readonly pte: number;
  readonly pmd: number;
  readonly pud: number;
  readonly deposited?: number;
}

function processOf(pid: number, comm: string, group: string, tables: Tables): ProcessEntry {
  const { pte, pmd, pud, deposited = 0 } = tables;
  const bytes = (pte + pmd + pud + deposited) * PAGE;
  return {
    pid,
    sharers: [],
    comm,
    group,
    uid: pid < 1000 ? 0 : 1000,
    vmPteBytes: bytes,
    derivedBytes: bytes,
    residualBytes: 0,
    tables: { pte, pmd, pud, p4d: 0, deposited },
    seen: 'tables',
    exact: true,
  };
}

function processes(): ProcessEntry[] {
  const idle = { pte: 61, pmd: 20, pud: 4 };
  const list = [processOf(2101, 'postgres', POSTGRES, idle)];
  for (let i = 0; i < 98; i++) {
    const pte = 8403 - ((i * 37) % 611);
    list.push(processOf(40_210 + i * 3, 'postgres', POSTGRES, { pte, pmd: 20, pud: 4 }));
  }
  for (let i = 0; i < 12; i++) {
    list.push(processOf(5400 + i, FEED, FEED, { pte: 2070, pmd: 7, pud: 4 }));
  }
  const java = { pte: 4310, pmd: 71, pud: 5, deposited: 12_288 };
  list.push(processOf(3310, 'java', 'java', java));
  list.push(processOf(1880, 'redis-server', 'redis-server', { pte: 3120, pmd: 8, pud: 4 }));
  for (let i = 0; i < 28; i++) {
    const comm = ['bash', 'sshd', 'agetty', 'chronyd'][i % 4]!;
    list.push(processOf(300 + i * 11, comm, comm, { pte: 17 + (i % 9), pmd: 3, pud: 2 }));
  }
  const containerd = processOf(911, 'containerd', 'containerd', { pte: 188, pmd: 9, pud: 5 });
  list.push({
    ...containerd,
    vmPteBytes: containerd.vmPteBytes + 2 * PAGE,
    residualBytes: 2 * PAGE,
    exact: false,
  });
  list.push({
    ...processOf(1, 'systemd', 'systemd', { pte: 0, pmd: 0, pud: 0 }),
    vmPteBytes: 31 * PAGE,
    seen: 'status',
    exact: false,
  });
  return list.sort((a, b) => b.vmPteBytes - a.vmPteBytes);
}

function groupsOf(list: readonly ProcessEntry[]): HostReport['groups'] {
  const duplicateShare: Record<string, number> = { [POSTGRES]: 0.97, [FEED]: 0.91, bash: 0.4 };
  return [...new Set(list.map(({ group }) => group))]
    .map((name) => {
      const members = list.filter(({ group }) => group === name);
      const vmPteBytes = sum(members.map((member) => member.vmPteBytes));
      const duplicates = Math.round((vmPteBytes * (duplicateShare[name] ?? 0)) / PAGE) * PAGE;
      return { name, processes: members.length, vmPteBytes, duplicateBytes: duplicates };
    })
    .sort((a, b) => b.vmPteBytes - a.vmPteBytes);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

type Saving = Pick<DesignEntry, 'id' | 'title' | 'system' | 'bound'> & {
  /** In pages. */
  readonly postgres: number;
  readonly feed: number;
  readonly requires?: string[];
  readonly costs?: string[];
  readonly reservedBytes?: number;
};

function designOf(beforeBytes: number, saving: Saving): DesignEntry {
  const { postgres, feed, requires = [], costs = [], reservedBytes = 0, ...names } = saving;
  const savesBytes = (postgres + feed) * PAGE;
  const gains = [
    { group: POSTGRES, savesBytes: postgres * PAGE },
    { group: FEED, savesBytes: feed * PAGE },
  ].filter((gain) => gain.savesBytes > 0);
  const objects = OBJECTS.slice(0, gains.length).map(({ name, tableBytes }, i) => ({
    name,
    beforeBytes: tableBytes,
    tableBytes: tableBytes - gains[i]!.savesBytes,
  }));
  const bytes = beforeBytes - savesBytes;
  return {
    ...names,
    beforeBytes,
    bytes,
    savesBytes,
    gains,
    requires,
    costs,
    reservedBytes,
    objects,
  };
}

const SAVINGS: readonly Saving[] = [
  {
    id: 'today',
    title: 'The kernel as it runs',
    system: '-',
    bound: 'exact',
    postgres: 0,
    feed: 0,
  },
  {
    id: 'hugetlb-2m',
    title: 'hugetlb 2 MiB pages for shared segments, where they are mapped now',
    system: 'S2',
    bound: 'exact',
    postgres: 792_610,
    feed: 24_540,
    requires: [
      `vm.nr_hugepages raised by ${HUGE_PAGES} (${HUGE_PAGES} needed for 2 shared segments)`,
      'The owners of the segments ask for huge pages (huge_pages=on, SHM_HUGETLB, MAP_HUGETLB)',
    ],
    costs: ['The pool is reserved: it cannot be swapped, reclaimed, or used for anything else'],
    reservedBytes: HUGE_PAGES * 2 * MIB,
  },
  {
    id: 'shmem-thp',
    title: 'Transparent huge pages for shared memory',
    system: 'S8',
    bound: 'upper',
    postgres: 790_900,
    feed: 24_500,
    requires: ['transparent_hugepage/shmem_enabled set to advise or always'],
    costs: ['Where no free huge page is found, 4 KiB pages and their tables come back'],
  },
  {
    id: 'pt2006-pmd',
    title: 'Shared page tables of 2006, PTE and PMD tables',
    system: 'S1',
    bound: 'exact',
    postgres: 784_300,
    feed: 0,
    requires: ['A kernel with the patch: it was last posted for 2.6.17 and not merged'],
  },
  {
    id: 'mshare',
    title: 'mshare: one host mm for each shared object, in 512 GiB regions',
    system: 'S4',
    bound: 'exact',
    postgres: 786_100,
    feed: 22_480,
    requires: ['A kernel with mshare: patches of 2025, not merged'],
  },
  {
    id: 'on-demand-fork',
    title: 'On-demand fork: children share tables until they write',
    system: 'S8',
    bound: 'lower',
    postgres: 214,
    feed: 0,
  },
  {
    id: 'identical',
    title: 'Every identical table once: the upper bound for sharing',
    system: 'S8',
    bound: 'upper',
    postgres: 786_400,
    feed: 22_600,
    requires: ['No kernel does this: it is the line that no sharing design can pass'],
  },
];

const OBJECTS: HostReport['objects'] = [
  {
    name: '/dev/zero',
    kind: 'shared-anon',
    mappers: 99,
    mappedBytes: 16_793 * MIB,
    populatedBytes: 16_771 * MIB,
    tableBytes: 794_500 * PAGE,
    pteTableBytes: 792_800 * PAGE,
    duplicateBytes: 786_000 * PAGE,
  },
  {
    name: '/SYSV5ea1f00d',
    kind: 'sysv',
    mappers: 12,
    mappedBytes: 4 * GIB,
    populatedBytes: 4 * GIB,
    tableBytes: 24_636 * PAGE,
    pteTableBytes: 24_576 * PAGE,
    duplicateBytes: 22_583 * PAGE,
  },
  {
    name: '/srv/cassandra/data/ledger/transactions-8f2a6f10d3a111eeb5dc2f0b6f2f7a51/nb-48213-big-Data.db',
    kind: 'file',
    mappers: 1,
    mappedBytes: 6 * GIB,
    populatedBytes: 5222 * MIB,
    tableBytes: 2705 * PAGE,
    pteTableBytes: 2690 * PAGE,
    duplicateBytes: 0,
  },
  {
    name: '/usr/lib/postgresql/17/bin/postgres',
    kind: 'file',
    mappers: 99,
    mappedBytes: 8_896_512,
    populatedBytes: 8_110_080,
    tableBytes: 402 * PAGE,
    pteTableBytes: 290 * PAGE,
    duplicateBytes: 391 * PAGE,
  },
  {
    name: '/usr/lib/x86_64-linux-gnu/libc.so.6',
    kind: 'file',
    mappers: 141,
    mappedBytes: 1_990_656,
    populatedBytes: 1_613_824,
    tableBytes: 104.5 * PAGE,
    pteTableBytes: 31 * PAGE,
    duplicateBytes: 88.25 * PAGE,
  },
];

const ADVICE: HostReport['advice'] = [
  {
    id: 'postgresql-huge-pages',
    title: 'Give PostgreSQL its shared memory in huge pages',
    appliesTo: POSTGRES,
    design: 'hugetlb-2m',
    savesBytes: 792_610 * PAGE,
    why: '99 processes map the same 16.4 GiB with 4 KiB pages, and each keeps up to 32.8 MiB of tables for it. With 2 MiB pages the PTE tables go away.',
    steps: [
      {
        text: 'Reserve the pool. It needs 16.4 GiB of memory that is free or can be freed.',
        command: 'sysctl -w vm.nr_hugepages=8398',
      },
      {
        text: 'Keep it over a reboot.',
        command: "echo 'vm.nr_hugepages = 8398' > /etc/sysctl.d/60-hugepages.conf",
      },
      {
        text: 'Let PostgreSQL insist, so that a pool too small is an error and not a silent fall-back.',
        command:
          'sudo -u postgres psql --port 5432 --no-psqlrc -c "ALTER SYSTEM SET huge_pages = \'on\'"',
      },
      { text: 'Restart it.', command: 'systemctl restart postgresql@17-main' },
      {
        text: 'See what it really saved.',
        command: 'ptshare host --compare before.parquet',
      },
    ],
    caveats: ['The 16.4 GiB stay reserved even while PostgreSQL is stopped.'],
  },
  {
    id: 'sysv-huge-pages',
    title: 'Create the SysV segment of market-data-feed with SHM_HUGETLB',
    appliesTo: FEED,
    design: 'hugetlb-2m',
    savesBytes: 24_540 * PAGE,
    why: '12 processes map the 4 GiB of /SYSV5ea1f00d with 4 KiB pages.',
    steps: [
      {
        text: 'Raise the pool by the segment.',
        command: `sysctl -w vm.nr_hugepages=${HUGE_PAGES}`,
      },
      { text: 'Add SHM_HUGETLB to the flags of shmget() and start the service again.' },
    ],
    caveats: [],
  },
];

/** A fresh copy each time, so that a test may change it. */
export function hostReport(): HostReport {
  const list = processes();
  const rootBytes = list.length * PAGE;
  const beforeBytes = sum(list.map((process) => process.vmPteBytes)) + rootBytes;
  const statusOnlyBytes = 31 * PAGE;
  const unexplainedBytes = 2 * PAGE;
  const kernelBytes = 137 * PAGE;
  const reportedBytes = beforeBytes + kernelBytes;
  const totalBytes = 64 * GIB - 713 * MIB;
  return structuredClone({
    schema: 'ptshare.host/1',
    takenAt: '2026-01-15T10:22:31.000Z',
    hostname: 'db7',
    kernel: {
      release: '6.18.44',
      machine: 'x86_64',
      geometry: 'x86_64-4level',
      pageBytes: PAGE,
      thpEnabled: 'madvise',
      shmemThpEnabled: 'never',
    },
    memory: {
      totalBytes,
      hugetlbPools: [{ pageBytes: 2 * MIB, total: 0, free: 0, reserved: 0, surplus: 0 }],
    },
    exactness: {
      processes: list.length,
      exact: list.filter((process) => process.exact).length,
      residualPages: 2,
      statusOnly: 1,
      vanished: 3,
      raced: 1,
      sharedMm: 4,
      skipped: 0,
      wholeHost: true,
    },
    pageTables: {
      reportedBytes,
      explainedBytes: beforeBytes - statusOnlyBytes - unexplainedBytes,
      kernelBytes,
      statusOnlyBytes,
      unexplainedBytes,
      sharedPmdBytes: 0,
      rootBytes,
      percentOfMemory: (reportedBytes / totalBytes) * 100,
    },
    groups: groupsOf(list),
    processes: list,
    objects: OBJECTS,
    designs: SAVINGS.map((saving) => designOf(beforeBytes, saving)),
    advice: ADVICE,
    notes: [
      'systemd (pid 1) could not be read: only its VmPTE is known',
      'containerd (pid 911): 2 pages of tables are explained by no mapping, as emptied PMD or PUD tables are not',
    ],
  });
}

/** What somebody could call a process or a file to attack whoever reads the report. */
export const HOSTILE_NAMES = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'-->]]></title></style><b>",
  '\u001b[2J\u001b]0;owned\u0007\u009b31m',
  '\u202egnp.exe\u2066\u200f',
  'line\nbreak\ttab\u0000nul\u2028',
  '&lt;b&gt;&amp;',
  '表\u{1f4a5}\u0301e\u0301\u{1fae0}\u0e01\u0e47',
  'x'.repeat(5000),
] as const;

/** The report with hostile names wherever a name comes from the host. */
export function hostileReport(): HostReport {
  const report = hostReport();
  const name = (index: number): string => HOSTILE_NAMES[index % HOSTILE_NAMES.length]!;
  const renamed = new Map(report.groups.map((group, i) => [group.name, name(i)]));
  report.hostname = name(3);
  report.kernel.release = name(0);
  for (const group of report.groups) group.name = renamed.get(group.name)!;
  for (const [i, process] of report.processes.entries()) {
    process.group = renamed.get(process.group)!;
    process.comm = name(i);
  }
  for (const [i, object] of report.objects.entries()) {
    object.name = name(i);
    object.kind = name(i + 4);
  }
  for (const design of report.designs) {
    for (const gain of design.gains) gain.group = renamed.get(gain.group)!;
  }
  for (const [i, advice] of report.advice.entries()) {
    advice.appliesTo = name(i);
    advice.why = name(i + 3);
    advice.steps[0]!.command = name(i + 1);
  }
  report.notes = [...HOSTILE_NAMES];
  return report;
}
