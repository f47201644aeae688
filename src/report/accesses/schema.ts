/** What recorded accesses cost under designs, as JSON. */
import { z } from 'zod';

export const ACCESSES_SCHEMA = 'ptshare/accesses/1';

const count = z.number().int().nonnegative();
const bytes = z.number().nonnegative();

const size = z.object({
  pageBytes: count.describe('size of page'),
  hits: z.array(count).describe('hits of translations held for it, by level of the TLB'),
  fills: count.describe('walks that have found a page of it'),
});

const cost = z.object({
  id: z.string().describe('stable name of the design'),
  accesses: count.describe('loads and stores of all processes'),
  misses: count.describe('accesses that no TLB could translate; one that faults misses twice'),
  sizes: z.array(size).describe('sizes of page, smallest first'),
  walkReferences: count.describe('entries that page-table walks have read'),
  walkCacheHits: count.describe('walks that a walk cache has made shorter'),
  faults: count.describe('page faults'),
  reachBytes: z.array(bytes).describe('what the translations of each level span in the end'),
  tableBytes: bytes.describe('user page tables in the end, roots included'),
});

export const accessComparisonSchema = z.object({
  schema: z.literal(ACCESSES_SCHEMA),
  processes: z
    .array(
      z.object({
        name: z.string().describe('the command, or the name of the file'),
        accesses: count.describe('loads and stores; one that crosses into another page is two'),
        pages: count.describe('different pages'),
        fetches: count.describe('instructions fetched, which do not go through the TLBs here'),
      }),
    )
    .describe('one for each trace, taking turns on one CPU'),
  common: z
    .enum(['unwritten', 'all'])
    .describe('what processes have in common: tables that none stores to, or all'),
  designs: z.array(cost).describe('the accesses under each design'),
  notRun: z.array(z.object({ id: z.string(), why: z.string() })).describe('and why'),
});

export type AccessComparison = z.infer<typeof accessComparisonSchema>;
export type AccessCostEntry = z.infer<typeof cost>;
