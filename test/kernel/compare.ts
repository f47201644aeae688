/** What is compared of two reports: one line for each fact, so that what differs can be read. */
import { isHugetlb } from './covered.ts';
import type { Program } from './program.ts';
import { formatStep } from './program.ts';
import {
  COUNTERS,
  type Counters,
  type KernelReport,
  type Outcome,
  PAGE_IS,
  type PageRun,
  POOL,
  type State,
} from './report.ts';

/** A fact that two reports see differently. */
export interface Difference {
  /** What kind of fact: a call's result, or a part of an address space. */
  readonly kind: string;
  readonly kernel: string;
  readonly engine: string;
}

/** Where the reports of one program differ first; nothing if they agree. */
export function firstDifference(
  program: Program,
  kernel: KernelReport,
  engine: KernelReport,
): Difference | undefined {
  // An engine that leaves something out stops before it.
  const end = engine.outcomes.length;
  if (end < program.steps.length) {
    const steps = program.steps.slice(0, end);
    const outcomes = kernel.outcomes.slice(0, end);
    const states = kernel.states.filter(({ step }) => step < end);
    return firstDifference({ steps }, { ...kernel, outcomes, states }, engine);
  }
  const counters = hasHugetlb(program) ? WITH_POOL : COUNTERS;
  const facts = {
    kernel: factsOf(program, kernel, counters),
    engine: factsOf(program, engine, counters),
  };
  for (;;) {
    const one = facts.kernel.next();
    const other = facts.engine.next();
    if (one.done === true && other.done === true) return undefined;
    const [kind, text] = one.value ?? ['states', 'nothing more'];
    const [otherKind, otherText] = other.value ?? ['states', 'nothing more'];
    const isUnknown = text.includes(UNKNOWN_VALUE) || otherText.includes(UNKNOWN_VALUE);
    if (text === otherText || isUnknown) continue;
    return { kind: kind === otherKind ? kind : 'states', kernel: text, engine: otherText };
  }
}

/** The pool is the host's: only who has it to himself can tell what is in it. */
const WITH_POOL: readonly (keyof Counters)[] = [...COUNTERS, ...POOL];

const hasHugetlb = ({ steps }: Program): boolean => steps.some(({ call }) => isHugetlb(call));

const UNKNOWN_VALUE = 'NaN';

type Fact = readonly [kind: string, text: string];

/** In the order of time: what comes first of two differences is nearer to the mistake. */
function* factsOf(
  program: Program,
  { outcomes, states }: KernelReport,
  compared: readonly (keyof Counters)[],
): Generator<Fact, undefined> {
  let next = 0;
  for (const [index, step] of program.steps.entries()) {
    const outcome = outcomes[index]!;
    yield [step.call.name, `${formatStep(step)} -> ${formatOutcome(outcome)}`];
    for (; states[next]?.step === index; next++) yield* factsOfState(states[next]!, compared);
  }
  for (; next < states.length; next++) yield* factsOfState(states[next]!, compared);
  return undefined;
}

function formatOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'returned': {
      const value = `0x${outcome.value.toString(16)}`;
      if (outcome.scanned !== undefined) return `${value}, ${formatScanned(outcome.scanned)}`;
      return outcome.resident === undefined ? value : `${value}, resident ${outcome.resident}`;
    }
    case 'failed':
      return `errno ${outcome.errno}`;
    case 'signalled':
      return `signal ${outcome.signal}, code ${outcome.code}, at 0x${outcome.address.toString(16)}`;
    case 'not run':
      return outcome.kind;
  }
}

const formatScanned = (scanned: readonly PageRun[]): string =>
  scanned.map(({ start, end, categories }) => `${hex(start)}-${hex(end)} ${categories}`).join(', ');

function* factsOfState(state: State, compared: readonly (keyof Counters)[]): Generator<Fact> {
  const { process, step, vmas, pages, entries, counters } = state;
  const where = `process ${process} before step ${step}`;
  const lines = vmas.map(({ start, end, offset, backing, flags }) => {
    const what = Object.values(backing).join(' ');
    return `${hex(start)}-${hex(end)} at ${offset} of ${what}: ${flags.join(' ')}`;
  });
  yield ['VMAs', `${where}: VMAs\n${lines.join('\n')}`];
  yield ['pages', `${where}: pages\n${formatRuns(pages)}`];
  yield ['entries', `${where}: entries\n${formatRuns(outsideOfWp(entries, vmas))}`];
  for (const name of compared) {
    const value = name === 'VmLck' ? lockedPages(counters.VmLck) : counters[name];
    yield [name, `${where}: ${name} ${value}`];
  }
}

/**
 * Where userfaultfd write-protects, the kernel tells holes and what is protected in a way of its own:
 * which tables there are shows in VmPTE.
 */
function outsideOfWp(entries: readonly PageRun[], vmas: State['vmas']): PageRun[] {
  let left = [...entries];
  for (const { start, end, flags } of vmas) {
    if (!flags.includes('uw')) continue;
    left = left.flatMap((run) => [
      ...(run.start < start ? [{ ...run, end: Math.min(run.end, start) }] : []),
      ...(run.end > end ? [{ ...run, start: Math.max(run.start, end) }] : []),
    ]);
  }
  return left;
}

/** mlock(2) counts the pages of a VMA in an int: the sum may go below zero. */
const lockedPages = (VmLck: number): number => (VmLck >= 0 && VmLck < 2 ** 48 ? VmLck : Number.NaN);

const hex = (page: number): string => page.toString(16);

/** Runs of one kind that touch are one: how they are cut is the report's matter. */
function formatRuns(runs: State['pages']): string {
  const joined: { start: number; end: number; categories: number }[] = [];
  for (const { start, end, categories } of runs) {
    const last = joined.at(-1);
    if (last?.end === start && last.categories === categories) last.end = end;
    else joined.push({ start, end, categories });
  }
  return joined
    .map(({ start, end, categories }) => {
      const names = Object.entries(PAGE_IS).filter(([, bit]) => (categories & bit) !== 0);
      return `${hex(start)}-${hex(end)} ${names.map(([name]) => name).join(' ')}`;
    })
    .join('\n');
}
