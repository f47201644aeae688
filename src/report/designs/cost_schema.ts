/** What designs cost in the engine, as JSON. */
import { z } from 'zod';
import { bytes, count, counters } from './counters_schema.ts';

const phase = z.object({
  phase: z
    .enum(['script', 'populate', 'read', 'migrate', 'exit'])
    .describe(
      'a script is run; or all is mapped, forked and touched; each process reads all its pages; the kernel moves up to 64 pages that most processes have in use; all end',
    ),
  ...counters,
});

const payer = z.object({
  comm: z.string().describe('command name'),
  vmPteBytes: bytes.describe('VmPTE of its status, as the kernel with the design would say'),
  rssBytes: bytes.describe('its resident pages, as counted with the design'),
  memcgTableBytes: bytes.describe('page tables charged to its memory cgroup'),
  memcgPageBytes: bytes.describe('pages charged to its memory cgroup'),
});

const designCost = z.object({
  id: z.string().describe('as in designs[]'),
  tableBytes: bytes.describe('user tables that the engine has, roots included'),
  shapeBytes: bytes
    .optional()
    .describe('the same by the shapes that designs[] comes from, where both can say'),
  phases: z.array(phase).describe('in their order'),
  tlbEntries: count.describe('translations in the TLBs of all CPUs when all has been read'),
  pageTablesBytes: bytes.describe('PageTables of meminfo then, without those of the kernel'),
  payers: z.array(payer).describe('each process, when all has been read'),
});

const crowdPhase = z.object({
  phase: z.enum(['touch', 'exit']).describe('each touches all of its pages; or all end'),
  steps: count.describe('turns in which a process did something'),
  locks: count.describe('of these, those that took a lock'),
  waits: z
    .array(
      z.object({
        for: z.string().describe('`mmap_lock` and so on; `other CPUs`: an answer of theirs'),
        times: count.describe('how often a process had to wait'),
        turns: count.describe('turns in which it stood there'),
      }),
    )
    .describe('most turns first'),
});

const crowd = z.object({
  processes: count.describe('each on a CPU of its own'),
  pages: count.describe('that each touches, of what they have in common'),
  designs: z.array(
    z.object({ id: z.string().describe('as in designs[]'), phases: z.array(crowdPhase) }),
  ),
});

export const engineCostSchema = z.object({
  processes: count.describe('the size that the engine has run'),
  bytes: bytes.describe('the size that the engine has run'),
  agrees: z.boolean().describe('whether all tables are those that the shapes say, to the byte'),
  designs: z.array(designCost).describe('those that were run'),
  notRun: z
    .array(z.object({ id: z.string(), why: z.string() }))
    .describe('those that were not, and why'),
  crowd: crowd
    .optional()
    .describe('what some of the processes wait for when all go on at once, one step each in turn'),
});

export type EngineCost = z.infer<typeof engineCostSchema>;
export type DesignCostEntry = z.infer<typeof designCost>;
export type CrowdEntry = z.infer<typeof crowd>;
