/** Shared searches as text, for a coordinator that is started again. */
import { z } from 'zod';
import type { SharedState } from '../../check/index.ts';
import { partDataOf, partSchema } from '../jobs/part_data.ts';
import { boundSchema, branchFields, figuresSchema, findingSchema, parse } from '../jobs/task.ts';
import { TaskError } from '../jobs/task_error.ts';

const FORMAT = 'ptshare shared search 3';
export const STATE_LENGTH_MAX = 2 ** 28;

/** A tree with its parts as they travel. */
interface TreeData extends Omit<SharedState, 'branches' | 'part'> {
  readonly branches: readonly TreeData[];
  readonly part?: z.input<typeof partSchema>;
}

const treeSchema: z.ZodType<SharedState, TreeData> = z.strictObject({
  ...branchFields,
  isWhole: z.boolean().exactOptional(),
  isReserved: z.boolean().exactOptional(),
  isDone: z.boolean().exactOptional(),
  part: partSchema.exactOptional(),
  get branches(): z.ZodType<readonly SharedState[], readonly TreeData[]> {
    return z.array(treeSchema);
  },
});

const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** Of what is searched, and how: only the same is gone on with. */
  of: z.string(),
  seconds: z.number().min(0),
  searches: z.array(
    z.strictObject({
      tree: treeSchema,
      bounds: z.array(boundSchema),
      poison: z.array(z.string()),
      figures: figuresSchema,
      units: z.int().min(0),
      seconds: z.number().min(0),
      finding: findingSchema.optional(),
    }),
  ),
});
export type SavedSearches = Omit<z.infer<typeof stateSchema>, 'format'>;

export function saveText(state: SavedSearches): string {
  const searches = state.searches.map(({ tree, ...rest }) => ({ ...rest, tree: treeDataOf(tree) }));
  return JSON.stringify({ format: FORMAT, ...state, searches });
}

function treeDataOf({ branches, part, ...branch }: SharedState): TreeData {
  return {
    ...branch,
    branches: branches.map(treeDataOf),
    ...(part && { part: partDataOf(part) }),
  };
}

/** @throws TaskError if it is none, or of another search */
export function parseState(text: string, of: string): SavedSearches {
  const state = parse(stateSchema, text, 'a saved search', STATE_LENGTH_MAX);
  if (state.of === of) return state;
  throw new TaskError('The job is of another search, or of another version of ptshare');
}
