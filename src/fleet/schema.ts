/** The answer about a fleet, as data: what `ptshare fleet --json` prints. Bytes are of page tables. */
import { z } from 'zod';

/** Raised whenever a field changes its meaning or goes away; new fields do not raise it. */
export const FLEET_REPORT_SCHEMA = 'ptshare.fleet/1';

const count = z.number().int().nonnegative();
const bytes = z.number().nonnegative();
const difference = z.number();

const software = z.object({
  name: z.string().describe('comm of its processes, or [other] for what samples left out'),
  hosts: count.describe('hosts it runs on'),
  processes: count.describe('address spaces'),
  tableBytes: bytes.describe('sum of VmPTE'),
  duplicateBytes: bytes.describe('tables that another process of the host has too'),
});

const segment = software.omit({ processes: true }).extend({
  name: z.string().describe('path as /proc/PID/maps prints it, or [other]'),
  kind: z.string().describe('file, shmem, sysv, memfd, shared-anon, hugetlb, device or special'),
  hosts: count.describe('hosts that map it'),
  mappers: count.describe('address spaces that map it'),
  tableBytes: bytes.describe('tables that map it'),
  duplicateBytes: bytes.describe('tables beyond one copy of each on a host'),
});

const saving = z.object({
  name: z.string().describe('of the software or host'),
  savesBytes: difference.describe('negative where the design costs more'),
});

const design = z.object({
  id: z.string().describe('stable name of the design'),
  title: z.string().describe('what it is'),
  bound: z
    .enum(['exact', 'upper', 'lower', 'mixed'])
    .describe('how savesBytes relates to what it would really save; mixed: differs by host'),
  beforeBytes: bytes.describe('user tables today, roots included'),
  tableBytes: bytes.describe('user tables with the design'),
  savesBytes: difference.describe('beforeBytes - tableBytes'),
  reservedBytes: bytes.describe('memory set aside up front, data bytes'),
  bestOn: count.describe('hosts where no other design saves more; `identical` does not compete'),
  software: z.array(saving).describe('whose tables it saves, most first'),
  hosts: z.array(saving).describe('where it saves, most first'),
});

const host = z.object({
  hostname: z.string().describe('name of the host, or its hash'),
  takenAt: z.string().describe('time of its last sample, ISO 8601'),
  memoryBytes: bytes.describe('MemTotal'),
  pageTablesBytes: bytes.describe('PageTables of /proc/meminfo'),
  percentOfMemory: z.number().describe('pageTablesBytes in percent of memoryBytes'),
  duplicateBytes: bytes.describe('tables that exist more than once'),
  payer: z.string().describe('the group with the most tables'),
  bestDesign: z.string().nullable().describe('that saves most, `identical` apart; null if none'),
  bestSavesBytes: bytes.describe('what it saves'),
});

const outlier = z.object({
  hostname: z.string().describe('as in hosts[]'),
  measure: z
    .enum(['percentOfMemory', 'bytesPerProcess', 'growthPerDay'])
    .describe('what it is far above the other hosts in'),
  value: z.number().describe('percent or bytes'),
  median: z.number().describe('of all hosts'),
  score: z.number().describe('modified z-score, above 3.5 (Iglewicz and Hoaglin)'),
  payer: z.string().describe('the group with the most tables'),
});

const day = z.object({
  day: z.string().describe('UTC'),
  hosts: count.describe('hosts with a sample of this day'),
  pageTablesBytes: bytes.describe('of the last sample of each'),
  memoryBytes: bytes.describe('MemTotal of these'),
});

const trend = z.object({
  days: z.array(day).describe('days with samples, in order'),
  throughout: z
    .object({
      hosts: count.describe('hosts seen on the first and on the last day'),
      fromBytes: bytes.describe('their page tables on the first day'),
      toBytes: bytes.describe('their page tables on the last day'),
    })
    .describe('what changed on the hosts that can be compared'),
  growing: z
    .array(
      z.object({
        hostname: z.string().describe('name of the host'),
        bytesPerDay: difference.describe('Theil-Sen slope'),
      }),
    )
    .describe('hosts with samples of three days or more that grow, fastest first'),
});

export const fleetReportSchema = z.object({
  schema: z.literal(FLEET_REPORT_SCHEMA),
  hosts: count.describe('hosts'),
  samples: count.describe('samples read'),
  firstAt: z.string().describe('time of the first sample, ISO 8601'),
  lastAt: z.string().describe('time of the last sample'),
  cost: z
    .object({
      memoryBytes: bytes.describe('MemTotal'),
      pageTablesBytes: bytes.describe('PageTables of /proc/meminfo'),
      percentOfMemory: z.number().describe('pageTablesBytes in percent of memoryBytes'),
      tableBytes: bytes.describe('user tables, roots included'),
      duplicateBytes: bytes.describe('tables that exist more than once on their host'),
      kernelBytes: bytes.describe('tables of the kernels themselves, where all else is seen'),
      processes: count.describe('address spaces'),
      percentMedian: z.number().describe('percent of memory, the median of the hosts'),
      percentP95: z.number().describe('95 of 100 hosts are below'),
      percentMax: z.number().describe('the highest host'),
    })
    .describe('of the last sample of each host, as all that follows but the trend'),
  exactness: z.object({
    processes: count.describe('address spaces'),
    exact: count.describe('address spaces whose tables are explained to the page'),
    partialHosts: count.describe('hosts of which not every process could be read'),
  }),
  software: z.array(software).describe('most tables first'),
  segments: z.array(segment).describe('most tables first'),
  designs: z.array(design),
  costliest: z.array(host).describe('hosts, most page tables first'),
  outliers: z.array(outlier).describe('highest score first'),
  trend,
  refused: z
    .array(
      z.object({
        file: z.string().describe('its path'),
        why: z.string().describe('what is wrong with it'),
      }),
    )
    .describe('files that could not be used'),
});

export type FleetReport = z.infer<typeof fleetReportSchema>;
export type SoftwareEntry = FleetReport['software'][number];
export type SegmentEntry = FleetReport['segments'][number];
export type FleetDesignEntry = FleetReport['designs'][number];
export type FleetHostEntry = FleetReport['costliest'][number];
export type OutlierEntry = FleetReport['outliers'][number];
export type FleetTrend = FleetReport['trend'];
export type FleetSaving = z.infer<typeof saving>;
