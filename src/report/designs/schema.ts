/** What a comparison of designs on one workload says, as JSON. */
import { z } from 'zod';
import { designEntry } from '../schema.ts';
import { afterSchema } from './after_schema.ts';
import { engineCostSchema } from './cost_schema.ts';

export const COMPARISON_SCHEMA = 'ptshare/compare/1';

const count = z.number().int().nonnegative();
const bytes = z.number().nonnegative();

export const sweepPointSchema = z.object({
  processes: count.describe('as `processesAre` of the workload says'),
  bytes: bytes.describe('as `bytesAre` of the workload says'),
  designs: z
    .array(z.object({ id: z.string(), tableBytes: bytes.describe('user tables, roots included') }))
    .describe('in the order of designs[] above'),
});

export const workloadEntry = z.object({
  id: z.string(),
  title: z.string(),
  story: z.string().describe('what runs, and what of it is common'),
  processesAre: z.string(),
  bytesAre: z.string(),
});

export const designComparisonSchema = z.object({
  schema: z.literal(COMPARISON_SCHEMA),
  workload: workloadEntry,
  processes: count,
  bytes: bytes,
  addressSpaces: count.describe('processes of the host, those that the workload adds included'),
  pageTablesBytes: bytes.describe('PageTables of /proc/meminfo, as that host would report them'),
  designs: z.array(designEntry).describe('the workload under each design'),
  sweep: z.array(sweepPointSchema).describe('the same at other sizes'),
  engine: engineCostSchema
    .optional()
    .describe('what the designs cost, counted by the engine, at this size or a smaller one'),
  after: afterSchema.optional().describe('what they cost after events (--after)'),
});

export type DesignComparison = z.infer<typeof designComparisonSchema>;
export type SweepPoint = z.infer<typeof sweepPointSchema>;
