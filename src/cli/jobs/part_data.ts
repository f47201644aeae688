/**
 * Parts of a search as they travel. A unit has up to 64 of a hundred steps and more, most of which
 * are as the step before them: only what differs is said.
 */
import { z } from 'zod';
import {
  formatSchedule,
  type Part,
  parseSchedule,
  type SavedBranch,
  type SavedPath,
  type SavedStep,
} from '../../check/index.ts';
import { TaskError } from './task_error.ts';

/** Of steps, and of branches above each other. */
export const DEPTH_MAX = 10_000;
const BYTE_MAX = 255;
/** Of steps times actors of a path. */
const CELLS_MAX = 2 ** 20;
const NUMBERS_OF_BRANCH = 5;
const NUMBERS_OF_CHANGE = 3;
/** Instead of how many branches one has: its place is reserved. */
const RESERVED = -1;
const NONE: readonly SavedBranch[] = [];

/** In preorder: actor, choice, ways and point of each branch, and how many it has, or `RESERVED`. */
const branches = z.array(z.number());
/** Of some states, by number. */
const branchesAt = z
  .array(z.strictObject({ at: z.int().min(0).max(DEPTH_MAX), branches }))
  .max(DEPTH_MAX);
type BranchesAt = z.input<typeof branchesAt>;

const pathData = z.strictObject({
  schedule: z.string().max(4 * DEPTH_MAX),
  actors: z
    .int()
    .min(0)
    .max(BYTE_MAX + 1),
  /** Step, actor, mask, for each mask that is not that of the step before. */
  asleep: z.array(z.int()),
  later: branchesAt,
  below: branches,
  firstNew: z.int().min(0).max(DEPTH_MAX).optional(),
});
type PathData = z.input<typeof pathData>;

export const pathSchema = pathData.transform(readPath);
export const partSchema = z
  .strictObject({ path: pathSchema, floor: z.int().min(0) })
  .refine(({ path, floor }) => floor <= path.steps.length, 'a floor is a step of its path');
/** Of each state, from the first one on. */
export const aboveSchema = branchesAt.transform(readAbove);

export function partDataOf({ path, floor }: Part): z.input<typeof partSchema> {
  return { path: pathDataOf(path), floor };
}

export function pathDataOf({ steps, below, firstNew }: SavedPath): PathData {
  return {
    schedule: formatSchedule(steps),
    actors: steps[0]?.asleep.length ?? 0,
    asleep: changesOf(steps),
    later: branchesAtOf(steps.map(({ later }) => later)),
    below: numbersOf(below),
    ...(firstNew !== undefined && { firstNew }),
  };
}

export function branchesAtOf(states: readonly (readonly SavedBranch[])[]): BranchesAt {
  return states.flatMap((each, at) =>
    each.length === 0 ? [] : [{ at, branches: numbersOf(each) }],
  );
}

function numbersOf(saved: readonly SavedBranch[], numbers: number[] = []): number[] {
  for (const { actor, choice, ways, point, branches: below, isReserved } of saved) {
    numbers.push(actor, choice, ways, point, isReserved === true ? RESERVED : below.length);
    numbersOf(below, numbers);
  }
  return numbers;
}

function changesOf(steps: readonly SavedStep[]): number[] {
  const changes: number[] = [];
  let before: readonly number[] = [];
  for (const [at, { asleep }] of steps.entries()) {
    if (asleep === before) continue;
    for (const [actor, mask] of asleep.entries()) {
      if (mask !== (before[actor] ?? 0)) changes.push(at, actor, mask);
    }
    before = asleep;
  }
  return changes;
}

function readPath(data: PathData): SavedPath {
  const { schedule, actors, asleep: changes, later, below, firstNew } = data;
  const turns = readSchedule(schedule);
  if (firstNew !== undefined && firstNew >= turns.length) {
    throw new TaskError('What is new is no step of the path');
  }
  if (turns.length * actors > CELLS_MAX) throw new TaskError('A path is too long');
  const branchesOf = new Map(later.map((each) => [each.at, readBranches(each.branches)]));
  let asleep: readonly number[] = new Array<number>(actors).fill(0);
  let next = 0;
  const steps = turns.map(({ actor, choice }, at) => {
    if (changes[next] === at) {
      const masks = [...asleep];
      for (; changes[next] === at; next += NUMBERS_OF_CHANGE) {
        const [, sleeper = -1, mask = 0] = changes.slice(next, next + NUMBERS_OF_CHANGE);
        if (sleeper < 0 || sleeper >= actors) throw new TaskError('Somebody asleep is nobody');
        masks[sleeper] = mask;
      }
      asleep = masks;
    }
    return { actor, choice, asleep, later: branchesOf.get(at) ?? NONE };
  });
  if (next !== changes.length) throw new TaskError('Somebody is asleep in no state of the path');
  return { steps, below: readBranches(below), ...(firstNew !== undefined && { firstNew }) };
}

function readAbove(states: BranchesAt): readonly (readonly SavedBranch[])[] {
  const above: (readonly SavedBranch[])[] = [];
  for (const { at, branches: numbers } of states) {
    while (above.length <= at) above.push([]);
    above[at] = readBranches(numbers);
  }
  return above;
}

function readSchedule(text: string): ReturnType<typeof parseSchedule> {
  try {
    const turns = parseSchedule(text);
    const isBounded = turns.every(({ actor, choice }) => actor <= BYTE_MAX && choice <= BYTE_MAX);
    if (turns.length <= DEPTH_MAX && isBounded) return turns;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new TaskError('A schedule is none');
}

function readBranches(numbers: readonly number[]): SavedBranch[] {
  let next = 0;
  const readOne = (depth: number): SavedBranch => {
    const [actor, choice, ways, point, count] = numbers.slice(next, next + NUMBERS_OF_BRANCH);
    const isCount = Number.isInteger(count) && count! >= RESERVED;
    if (!isCount || depth > DEPTH_MAX || ![actor, choice, ways].every(isByte)) {
      throw new TaskError('A branch is none');
    }
    next += NUMBERS_OF_BRANCH;
    const branch = { actor: actor!, choice: choice!, ways: ways!, point: point! };
    if (count === RESERVED) return { ...branch, branches: [], isReserved: true };
    const below: SavedBranch[] = [];
    while (below.length < count!) below.push(readOne(depth + 1));
    return { ...branch, branches: below };
  };
  const found: SavedBranch[] = [];
  while (next < numbers.length) found.push(readOne(0));
  return found;
}

function isByte(value: number | undefined): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= BYTE_MAX;
}
