/**
 * The report on one host, as data: what `ptshare host --json` prints, what the text, HTML and web
 * renderings read, and what `--compare` holds against a later host.
 *
 * Bytes are bytes, of table pages unless the name says otherwise.
 */
import { z } from 'zod';

/** Raised whenever a field changes its meaning or goes away; new fields do not raise it. */
export const HOST_REPORT_SCHEMA = 'ptshare.host/1';

const count = z.number().int().nonnegative();
/** Shares of a table that several pay for are fractions of a page. */
const bytes = z.number().nonnegative();
/** May be negative: a design can cost more than today. */
const difference = z.number();

const tables = z.object({
  pte: count.describe('PTE tables'),
  pmd: count.describe('PMD tables'),
  pud: count.describe('PUD tables'),
  p4d: count.describe('P4D tables, where there are five levels'),
  deposited: count.describe('PTE tables kept in reserve for anonymous huge pages'),
});

const processEntry = z.object({
  pid: count.describe('process id; of several in one mm, the one that was read'),
  sharers: z.array(count).describe('further processes that run in the same mm (CLONE_VM)'),
  comm: z.string().describe('command name, at most 15 characters'),
  group: z.string().describe('name of the entry in groups[]'),
  uid: count.describe('real user id'),
  vmPteBytes: bytes.describe('what the kernel says'),
  derivedBytes: bytes.describe('what the mappings explain'),
  residualBytes: difference.describe('vmPteBytes - derivedBytes'),
  tables: tables.describe('derived tables, by level'),
  seen: z.enum(['tables', 'status']).describe('whether its tables were read, or only its VmPTE'),
  exact: z.boolean().describe('tables seen, VmPTE stable, residual zero'),
});

const group = z.object({
  name: z.string().describe('comm of its processes, or [kernel]'),
  processes: count.describe('address spaces'),
  vmPteBytes: bytes.describe('sum of VmPTE'),
  duplicateBytes: bytes.describe('tables that another process has too, as `identical` counts them'),
});

const object = z.object({
  name: z.string().describe('path as /proc/PID/maps prints it'),
  kind: z.string().describe('file, shmem, sysv, memfd, shared-anon, hugetlb, device or special'),
  mappers: count.describe('address spaces that map it'),
  mappedBytes: bytes.describe('data bytes of it that at least one of them maps'),
  populatedBytes: bytes.describe(
    'data bytes in slots (2 MiB with 4 KiB pages) where at least one of them has a page',
  ),
  tableBytes: bytes.describe('tables that map it, each shared table divided among its VMAs'),
  pteTableBytes: bytes.describe('of these, PTE tables that map nothing else'),
  duplicateBytes: bytes.describe('tables beyond one copy of each'),
});

const gain = z.object({
  group: z.string().describe('name of the entry in groups[], or msharefs for what mshare adds'),
  savesBytes: difference.describe('negative where the design costs this group more'),
});

export const designEntry = z.object({
  id: z.string().describe('stable name of the design'),
  title: z.string().describe('what it is'),
  system: z.string().describe('S1 to S8 of the design document'),
  bound: z
    .enum(['exact', 'upper', 'lower'])
    .describe('how `savesBytes` relates to what the design would really save'),
  beforeBytes: bytes.describe('user tables today, roots included; the same for every design'),
  bytes: bytes.describe('user tables with the design'),
  savesBytes: difference.describe('beforeBytes - bytes'),
  gains: z.array(gain).describe('who saves, largest first'),
  requires: z.array(z.string()).describe('what must change on the host'),
  costs: z.array(z.string()).describe('what it takes in return'),
  reservedBytes: bytes.describe('memory set aside up front, data bytes'),
  objects: z
    .array(
      z.object({
        name: z.string().describe('as in objects[]'),
        beforeBytes: bytes.describe('tables that map it today'),
        tableBytes: bytes.describe('tables that map it with the design'),
      }),
    )
    .describe('objects whose tables change: below the root, today and with the design'),
});

const adviceEntry = z.object({
  id: z.string().describe('stable name of the advice, and whom it is for'),
  title: z.string().describe('what to do'),
  appliesTo: z.string().describe('name of the entry in groups[]'),
  design: z
    .string()
    .optional()
    .describe('id of the entry in designs[] that it puts in force, if it is one of them'),
  savesBytes: difference.describe('tables saved by following it'),
  why: z.string().describe('where the cost comes from'),
  steps: z
    .array(
      z.object({
        text: z.string().describe('what the step does'),
        command: z.string().optional().describe('the very command, if there is one'),
      }),
    )
    .describe('in order'),
  caveats: z.array(z.string()).describe('what to know before'),
});

export const hostReportSchema = z.object({
  schema: z.literal(HOST_REPORT_SCHEMA),
  takenAt: z.string().describe('time of the capture, ISO 8601'),
  hostname: z.string().describe('name of the host, or its hash'),
  kernel: z.object({
    release: z.string().describe('uname -r'),
    machine: z.string().describe('uname -m'),
    geometry: z.string().describe('architecture, page size and levels of the page tables'),
    pageBytes: count.describe('base page, and one page table'),
    thpEnabled: z.string().describe('transparent_hugepage/enabled'),
    shmemThpEnabled: z.string().describe('transparent_hugepage/shmem_enabled'),
  }),
  memory: z.object({
    totalBytes: bytes.describe('MemTotal'),
    hugetlbPools: z.array(
      z.object({
        pageBytes: count.describe('size of its pages'),
        total: count.describe('pages in the pool'),
        free: count.describe('pages not in use'),
        reserved: count.describe('free pages promised to mappings'),
        surplus: count.describe('pages beyond the configured number'),
      }),
    ),
  }),
  exactness: z.object({
    processes: count.describe('address spaces in the report'),
    exact: count.describe('address spaces whose tables are explained to the page'),
    residualPages: z.number().int().describe('sum of the absolute residuals, in pages'),
    statusOnly: count.describe('processes whose tables belong to other users'),
    vanished: count.describe('processes that ended while they were read'),
    raced: count.describe('processes that appeared, or changed their tables, while they were read'),
    sharedMm: count.describe('processes that share the mm of another (CLONE_VM)'),
    skipped: count.describe('processes left out by a filter or by --budget'),
    wholeHost: z.boolean().describe('whether every process of the host can be seen'),
  }),
  pageTables: z.object({
    reportedBytes: bytes.describe('PageTables of /proc/meminfo'),
    explainedBytes: bytes.describe('tables the mappings explain, each shared one once, and roots'),
    kernelBytes: bytes.describe(
      'what remains when every process is seen: the tables of the kernel itself; 0 if not',
    ),
    statusOnlyBytes: bytes.describe('VmPTE of processes whose mappings could not be read'),
    unexplainedBytes: difference.describe(
      'reportedBytes less all of these: explained by nothing that was seen',
    ),
    sharedPmdBytes: bytes.describe('hugetlb PMD tables that VmPTE counts again for each sharer'),
    rootBytes: bytes.describe('root tables (PGD), one for each address space'),
    percentOfMemory: z.number().describe('reportedBytes in percent of MemTotal'),
  }),
  groups: z.array(group),
  processes: z.array(processEntry),
  objects: z.array(object),
  designs: z.array(designEntry),
  advice: z.array(adviceEntry),
  notes: z.array(z.string()).describe('what could not be seen or was assumed'),
});

export type HostReport = z.infer<typeof hostReportSchema>;
export type DesignEntry = z.infer<typeof designEntry>;
export type AdviceEntry = z.infer<typeof adviceEntry>;
export type ProcessEntry = z.infer<typeof processEntry>;
export type GroupEntry = z.infer<typeof group>;
export type ObjectEntry = z.infer<typeof object>;
