/** A unit of work as data: it may come from a stranger, so all of it is bounded and checked. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Finding, PARTS_MAX } from '../../check/index.ts';
import { RACE_LENGTH_MAX } from '../../race/race.ts';
import { sweepPointSchema } from '../../report/designs/schema.ts';
import {
  aboveSchema,
  branchesAtOf,
  DEPTH_MAX,
  partDataOf,
  partSchema,
  pathDataOf,
  pathSchema,
} from './part_data.ts';
import { TaskError } from './task_error.ts';

/** Of a task or a result, as JSON. */
export const TEXT_LENGTH_MAX = 2 ** 24;
/** Of a snapshot that is sent; larger ones are analysed where they are. */
export const SNAPSHOT_BYTES_MAX = 2 ** 23;
/** Of a workload. */
export const PROCESSES_MAX = 100_000;
const count = z.int().min(0);
const byte = z.int().min(0).max(255);

/** Those of a branch, but for what is below it. */
export const branchFields = { actor: byte, choice: byte, ways: byte, point: z.number() } as const;

const zooSubject = z.strictObject({
  kind: z.literal('zoo'),
  id: z.string().max(64),
  isBroken: z.boolean(),
});

/** A race as text: whoever is given it interprets it, and runs no code of others. */
const raceSubject = z.strictObject({
  kind: z.literal('race'),
  source: z.strictObject({
    text: z.string().max(RACE_LENGTH_MAX),
    format: z.string().max(64),
    design: z.string().max(64),
    bugs: z.array(z.string().max(64)).max(64),
  }),
});
const questionSubject = z.strictObject({
  kind: z.literal('question'),
  id: z.string().max(64),
  at: count,
});
/** What workers are told to search: data all of it. */
const subjectSchema = z.discriminatedUnion('kind', [zooSubject, questionSubject, raceSubject]);
export type SharedSubject = z.infer<typeof subjectSchema>;

const searchTask = z.strictObject({
  kind: z.literal('search'),
  subject: subjectSchema,
  parts: z.array(partSchema).min(1).max(PARTS_MAX),
  /** Of all parts together. */
  executionsMax: z.int().min(1).max(1e9),
});
const snapshotTask = z.strictObject({
  kind: z.literal('snapshot'),
  file: z.base64().max(Math.ceil(SNAPSHOT_BYTES_MAX / 3) * 4),
});
const compareTask = z.strictObject({
  kind: z.literal('compare'),
  workload: z.string().max(64),
  processes: z.int().min(1).max(PROCESSES_MAX),
  bytes: z.int().min(1),
  designs: z.array(z.string().max(64)).max(64),
});
export type CompareTask = z.infer<typeof compareTask>;
const inputSchema = z.discriminatedUnion('kind', [searchTask, snapshotTask, compareTask]);
export type TaskInput = z.infer<typeof inputSchema>;
export type SearchTask = z.infer<typeof searchTask>;

const taskSchema = z.strictObject({ version: z.string().max(64), input: inputSchema });

export interface Task {
  /** The same for the same input. */
  readonly id: string;
  /** As JSON, with the version that it is for. */
  readonly text: string;
}

export const boundSchema = z.enum([
  'executions',
  'steps',
  'switches',
  'preemptions',
  'sample',
  'stopped',
]);
const taken = z.strictObject({
  actor: z.string(),
  does: z.string(),
  holds: z.array(z.string()).max(256).exactOptional(),
});
export const figuresSchema = z.strictObject({
  executions: count,
  blocked: count,
  beyond: count,
  probes: count,
  steps: count,
  deepest: count,
});
export type Figures = z.infer<typeof figuresSchema>;
const facts = z.array(z.strictObject({ of: z.string(), is: z.string() })).max(DEPTH_MAX);
export const findingSchema: z.ZodType<Finding> = z.strictObject({
  property: z.string().max(1000),
  schedule: z.string(),
  steps: z.array(taken).max(DEPTH_MAX),
  state: z.strictObject({ before: facts, after: facts }).exactOptional(),
});

const partOutcome = z.strictObject({
  figures: figuresSchema,
  bounds: z.array(boundSchema).max(6),
  finding: findingSchema.exactOptional(),
  rest: pathSchema.exactOptional(),
  above: aboveSchema,
});
export type PartOutcomeData = z.infer<typeof partOutcome>;
const searchResult = z.strictObject({
  kind: z.literal('search'),
  /** Of the parts, in their order; those behind were not begun. */
  outcomes: z.array(partOutcome).min(1).max(PARTS_MAX),
});
export type SearchUnitResult = z.infer<typeof searchResult>;

const snapshotResult = z.strictObject({
  kind: z.literal('snapshot'),
  /** A file of a dataset. */
  samples: z.base64().exactOptional(),
  why: z.string().max(10_000).exactOptional(),
});
export type SnapshotUnitResult = z.infer<typeof snapshotResult>;
const compareResult = z.strictObject({ kind: z.literal('compare'), point: sweepPointSchema });
export type CompareUnitResult = z.infer<typeof compareResult>;
const resultSchema = z.discriminatedUnion('kind', [searchResult, snapshotResult, compareResult]);
export type TaskResult = z.infer<typeof resultSchema>;

export function taskOf(version: string, input: TaskInput): Task {
  const text = JSON.stringify({ version, input: inputData(input) });
  if (text.length > TEXT_LENGTH_MAX) throw new TaskError('A task is larger than tasks may be');
  return { id: createHash('sha256').update(text).digest('hex').slice(0, 40), text };
}

function inputData(input: TaskInput): z.input<typeof inputSchema> {
  return input.kind === 'search' ? { ...input, parts: input.parts.map(partDataOf) } : input;
}

/** @throws TaskError if it is larger than it may be */
export function resultText(result: TaskResult): string {
  const text = JSON.stringify(resultData(result));
  if (text.length > TEXT_LENGTH_MAX) throw new TaskError('A result is larger than it may be');
  return text;
}

function resultData(result: TaskResult): z.input<typeof resultSchema> {
  if (result.kind !== 'search') return result;
  const outcomes = result.outcomes.map(({ above, rest, ...others }) => ({
    ...others,
    above: branchesAtOf(above),
    ...(rest && { rest: pathDataOf(rest) }),
  }));
  return { kind: 'search', outcomes };
}

/** @throws TaskError if it is none, or for another version */
export function parseTask(text: string, version: string): TaskInput {
  const task = parse(taskSchema, text, 'a task');
  if (task.version === version) return task.input;
  throw new TaskError(`The task is for version ${task.version} of ptshare, this is ${version}`);
}

/** @throws TaskError if it is none */
export function parseResult(text: string): TaskResult {
  return parse(resultSchema, text, 'a result');
}

/** @throws TaskError if `text` is too long, or no JSON, or not what `schema` describes */
export function parse<T>(
  schema: z.ZodType<T>,
  text: string,
  what: string,
  max = TEXT_LENGTH_MAX,
): T {
  if (text.length > max) throw new TaskError(`This is not ${what}: it is too long`);
  let value: unknown;
  try {
    value = JSON.parse(text);
    const { data, error } = schema.safeParse(value);
    if (error === undefined) return data;
    const { path: place = [], message = '' } = error.issues[0] ?? {};
    throw new TaskError(`This is not ${what}: ${place.join('.')}: ${message}`.slice(0, 300));
  } catch (error) {
    if (error instanceof TaskError) throw error;
    // No JSON, or one that is nested deeper than the stack.
    throw new TaskError(`This is not ${what}: no JSON, or nested too deep`);
  }
}
