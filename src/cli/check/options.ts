/** The options of `ptshare check`, and what their values must look like. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseSchedule, type StrategyOption } from '../../check/index.ts';
import { designItems } from '../../race/designs.ts';
import { formatOption } from '../format_option.ts';
import { queueOption } from '../jobs/option.ts';
import { colorOption, whole, widthOption } from '../option_values.ts';
import { TRACE_HELP, tracePath } from '../trace_file.ts';

export interface CheckOptions {
  readonly list?: true;
  readonly all?: true;
  readonly questions?: true;
  readonly on?: true;
  readonly off?: true;
  readonly bug?: readonly string[];
  readonly design: string;
  readonly format: string;
  readonly strategy: StrategyName;
  readonly seed: number;
  readonly schedule?: string;
  readonly maxExecutions?: number;
  readonly timeout?: number;
  readonly workers: number;
  readonly checkpoint?: string;
  readonly trace?: string;
  readonly share?: true;
  readonly queue?: string;
  readonly job?: string;
  readonly unit: number;
  readonly json?: true;
  readonly width?: number;
  readonly color: boolean;
}

/** A strategy as it was written, with the number behind it. */
export interface StrategyName {
  readonly name: 'optimal' | 'sleep' | 'none' | 'preemptions' | 'switches' | 'pct' | 'random';
  readonly number: number;
}

const COUNT_MAX = 2 ** 31 - 1;
const WORKERS_MAX = 1024;
/** Random executions, unless told otherwise. */
const SAMPLE = 10_000;
const UNIT = 20_000;
const DESIGNS = designItems().map(({ id }) => id);

export function addCheckOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  add(new Option('--list', 'print the zoo').conflicts(['all', 'schedule']));
  add(new Option('--all', 'all there are').conflicts('schedule'));
  add(new Option('--questions', 'open questions of the mails, instead of the zoo'));
  add(new Option('--on', 'only with the mistake: it must be found'));
  add(new Option('--off', 'only without it: the search must be clean and complete'));
  command.optionsGroup('Of a race as text:');
  add(new Option('--bug <id>', 'of the zoo, to be there; as often as you like').argParser(oneMore));
  add(new Option('--design <name>', 'of shared page tables').choices(DESIGNS).default(DESIGNS[0]));
  add(formatOption());
  command.optionsGroup('How to search:');
  add(
    new Option(
      '--strategy <name>',
      'optimal, sleep, none, preemptions=N, switches=N, pct=DEPTH or random',
    )
      .argParser(strategyName)
      .default({ name: 'optimal', number: 0 }, 'optimal'),
  );
  add(new Option('--seed <n>', 'of pct and random').argParser(whole(0, COUNT_MAX)).default(1));
  add(new Option('--schedule <text>', 'run this schedule, and show it').argParser(schedule));
  command.optionsGroup('How far:');
  add(new Option('--max-executions <n>', 'of each search').argParser(whole(1, COUNT_MAX)));
  add(new Option('--timeout <seconds>', 'of each search').argParser(seconds));
  add(
    new Option('--workers <n>', 'threads')
      .argParser(whole(1, WORKERS_MAX))
      .default(availableParallelism(), 'one for each CPU'),
  );
  add(new Option('--checkpoint <file>', 'go on from there, and save there').conflicts('schedule'));
  command.optionsGroup('Who searches:');
  add(
    new Option('--share', 'threads share a search at once, not after half a second').conflicts(
      'schedule',
    ),
  );
  add(queueOption().conflicts(['schedule', 'checkpoint', 'share']));
  add(new Option('--job <name>', 'with --queue: go on with it, or begin it').argParser(jobName));
  add(
    new Option('--unit <executions>', 'that are handed out at a time, at most')
      .argParser(whole(1, COUNT_MAX))
      .default(UNIT, '20,000'),
  );
  command.optionsGroup('How to show it:');
  add(new Option('--trace <file>', TRACE_HELP).argParser(tracePath).conflicts('list'));
  add(new Option('--json', 'print JSON instead of text'));
  add(widthOption());
  add(colorOption());
  return command;
}

/** What the explorer is asked for. */
export function strategyOf({ strategy, seed, maxExecutions }: CheckOptions): StrategyOption {
  const { name, number } = strategy;
  const executions = maxExecutions ?? SAMPLE;
  if (name === 'preemptions' || name === 'switches') return { name, max: number };
  if (name === 'pct') return { name, depth: number, seed, executions };
  if (name === 'random') return { name, seed, executions };
  return name;
}

/** Whether a search can be stopped and gone on with. */
export function canBeSaved({ name }: StrategyName): boolean {
  return name === 'optimal' || name === 'preemptions';
}

function strategyName(text: string): StrategyName {
  const [, name, number] = /^([a-z]+)(?:=(\d{1,4}))?$/.exec(text) ?? [];
  const isPlain = name === 'optimal' || name === 'sleep' || name === 'none' || name === 'random';
  if (isPlain && number === undefined) return { name, number: 0 };
  const isNumbered = name === 'preemptions' || name === 'switches';
  if (isNumbered && number !== undefined) return { name, number: Number(number) };
  if (name === 'pct' && Number(number) >= 1) return { name, number: Number(number) };
  throw new InvalidArgumentError(
    'One of optimal, sleep, none, preemptions=N, switches=N, pct=DEPTH, random is wanted.',
  );
}

function oneMore(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function jobName(text: string): string {
  if (/^[\w-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('Up to 64 letters, digits, - and _ are wanted.');
}

function schedule(text: string): string {
  try {
    parseSchedule(text);
    return text;
  } catch {
    throw new InvalidArgumentError("Signs 0-9, a-z, A-Z, () and ' are wanted, as in 001'1.");
  }
}

function seconds(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('A number of seconds above 0 is wanted.');
}
