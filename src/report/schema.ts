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
  pte: count,
  pmd: count,
  pud: count,
  p4d: count,
  deposited: count.describe('PTE tables kept in reserve for anonymous huge pages'),
});

const processEntry = z.object({
  pid: count,
  sharers: z.array(count).describe('further processes that run in the same mm (CLONE_VM)'),
  comm: z.string(),
  group: z.string().describe('name of the entry in groups[]'),
  uid: count,
  vmPteBytes: bytes.describe('what the kernel says'),
  derivedBytes: bytes.describe('what the mappings explain'),
  residualBytes: difference.describe('vmPteBytes - derivedBytes'),
  tables,
  seen: z.enum(['tables', 'status']),
  exact: z.boolean().describe('tables seen, VmPTE stable, residual zero'),
});

const group = z.object({
  name: z.string(),
  processes: count,
  vmPteBytes: bytes,
  duplicateBytes: bytes.describe('tables that another process has too, as `identical` counts them'),
});

const object = z.object({
  name: z.string(),
  kind: z.string(),
  mappers: count.describe('address spaces that map it'),
  mappedBytes: bytes.describe('data bytes of it that at least one of them maps'),
  populatedBytes: bytes.describe(
    'data bytes in slots (2 MiB with 4 KiB pages) where at least one of them has a page',
  ),
  tableBytes: bytes.describe('tables that map it, each shared table divided among its VMAs'),
  pteTableBytes: bytes.describe('of these, PTE tables that map nothing else'),
  duplicateBytes: bytes.describe('tables beyond one copy of each'),
});

const gain = z.object({ group: z.string(), savesBytes: difference });

export const designEntry = z.object({
  id: z.string(),
  title: z.string(),
  system: z.string().describe('S1 to S8 of the design document'),
  bound: z
    .enum(['exact', 'upper', 'lower'])
    .describe('how `savesBytes` relates to what the design would really save'),
  beforeBytes: bytes.describe('user tables today, roots included; the same for every design'),
  bytes: bytes.describe('user tables with the design'),
  savesBytes: difference,
  gains: z.array(gain).describe('who saves, largest first'),
  requires: z.array(z.string()),
  costs: z.array(z.string()),
  reservedBytes: bytes.describe('memory set aside up front, data bytes'),
  objects: z
    .array(z.object({ name: z.string(), beforeBytes: bytes, tableBytes: bytes }))
    .describe('objects whose tables change: below the root, today and with the design'),
});

const adviceEntry = z.object({
  id: z.string(),
  title: z.string(),
  appliesTo: z.string().describe('name of the entry in groups[]'),
  design: z
    .string()
    .optional()
    .describe('id of the entry in designs[] that it puts in force, if it is one of them'),
  savesBytes: difference,
  why: z.string(),
  steps: z.array(z.object({ text: z.string(), command: z.string().optional() })),
  caveats: z.array(z.string()),
});

export const hostReportSchema = z.object({
  schema: z.literal(HOST_REPORT_SCHEMA),
  takenAt: z.string(),
  hostname: z.string(),
  kernel: z.object({
    release: z.string(),
    machine: z.string(),
    geometry: z.string(),
    pageBytes: count,
    thpEnabled: z.string(),
    shmemThpEnabled: z.string(),
  }),
  memory: z.object({
    totalBytes: bytes,
    hugetlbPools: z.array(
      z.object({ pageBytes: count, total: count, free: count, reserved: count, surplus: count }),
    ),
  }),
  exactness: z.object({
    processes: count.describe('address spaces in the report'),
    exact: count,
    residualPages: z.number().int().describe('sum of the absolute residuals, in pages'),
    statusOnly: count,
    vanished: count,
    raced: count,
    sharedMm: count,
    skipped: count,
    wholeHost: z.boolean(),
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
    rootBytes: bytes,
    percentOfMemory: z.number(),
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
