/** What designs cost after something has happened to a workload, as JSON. */
import { z } from 'zod';
import { bytes, count, counters } from './counters_schema.ts';

const design = z.string().describe('as in designs[]');

const stepDesign = z.object({
  id: design,
  tableBytes: bytes.describe('user tables afterwards, roots included'),
  addedBytes: z.number().describe('more than before the event; negative if fewer'),
  refused: count.describe('calls that fail with EINVAL under the design'),
  isOpen: z
    .boolean()
    .describe('whether several tables were there to be shared, and the design does not say which'),
});

const stepCost = z.object({
  tableBytes: bytes.describe('user tables that the engine has afterwards, roots included'),
  shapeBytes: bytes
    .optional()
    .describe('the same by the shapes; nothing where the design leaves open what is shared'),
  surprises: count.describe('calls that did not end as the shapes say'),
  ...counters,
  faults: count.describe('page faults, of calls and of touching again what is left'),
});

export const afterCostSchema = z.object({
  processes: count.describe('the size that the engine has run'),
  bytes: bytes.describe('the size that the engine has run'),
  agrees: z.boolean().describe('whether all tables and results are those of the shapes'),
  designs: z
    .array(z.object({ id: design, steps: z.array(stepCost).describe('in the order of steps[]') }))
    .describe('those that were run'),
  notRun: z
    .array(z.object({ id: z.string(), why: z.string() }))
    .describe('those that were not, and why'),
});

export const afterSchema = z.object({
  start: z.array(z.object({ id: design, tableBytes: bytes })).describe('before all events'),
  steps: z
    .array(
      z.object({
        event: z.string().describe('as it was asked for'),
        story: z.string().describe('who does what'),
        processes: count.describe('how many do it'),
        designs: z.array(stepDesign).describe('the workload afterwards, under each design'),
      }),
    )
    .describe('one after the other'),
  engine: afterCostSchema
    .optional()
    .describe('what the events cost, counted by the engine, at this size or a smaller one'),
});

export type After = z.infer<typeof afterSchema>;
export type AfterStep = After['steps'][number];
export type AfterCost = z.infer<typeof afterCostSchema>;
