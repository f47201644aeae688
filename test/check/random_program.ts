/** Small random programs with everything that threads can share, and what tells their executions apart. */
import { type Actor, type Scenario, type Task, World } from '../../src/check/index.ts';
import type { Random } from '../kernel/random.ts';

/** What a program is made of; one of these, besides reads and writes. */
const FLAVOURS = [
  'words',
  'mutex',
  'rw',
  'kept',
  'until',
  'condition',
  'meeting',
  'mixed',
] as const;
/** What chooses among threads by their names. */
const NAMING: ReadonlySet<string> = new Set(['wait', 'signal', 'broadcast']);
type Flavour = (typeof FLAVOURS)[number];

/** A step of a thread: what it does to the object with a number, and an argument. */
type Instruction = readonly [what: string, object: number, argument: number];
export type RandomProgram = readonly (readonly Instruction[])[];

export function randomProgram(random: Random): RandomProgram {
  const flavour = random.pick(FLAVOURS);
  const threads = random.between(2, 4);
  const lengthMax = [7, 5, 3][threads - 2]!;
  return Array.from({ length: threads }, (_, thread) => {
    const body: Instruction[] = [];
    const count = random.between(1, 6 - threads);
    for (let at = 0; at < count; at++) {
      const isPlain = flavour === 'words' || random.chance(40);
      body.push(...(isPlain ? [plain(random, thread)] : special(random, flavour)));
    }
    return body.slice(0, lengthMax);
  });
}

/**
 * A program of locks that are tried, and kept to the end as often as given back: of rw-semaphores
 * alone, or with everything else between their steps.
 */
export function keepingProgram(random: Random): RandomProgram {
  const threads = random.between(2, 5);
  const lengthMax = [6, 4, 3, 2][threads - 2]!;
  const percentOfOthers = random.pick([0, 60]);
  return Array.from({ length: threads }, (_, thread) => {
    const semaphores: Holding[] = ['free', 'free'];
    const mutexes: Holding[] = ['free', 'free'];
    return Array.from({ length: random.between(1, lengthMax) }, (): Instruction => {
      if (!random.chance(percentOfOthers)) return lockStep(random, SEMAPHORE_STEPS, semaphores);
      if (random.chance(30)) return lockStep(random, MUTEX_STEPS, mutexes);
      if (random.chance(20)) return ['until', random.below(2), random.between(1, 2)];
      if (random.chance(25)) return [random.pick(['signal', 'broadcast', 'wait']), 0, 0];
      return plain(random, thread);
    });
  });
}

/** How a thread has a lock. */
type Holding = 'free' | 'read' | 'write';

/** What a thread may do to a lock that it has in one of these ways. */
const SEMAPHORE_STEPS = {
  free: ['downRead', 'downRead', 'downWrite', 'tryWrite', 'tryWrite', 'tryRead'],
  read: ['upRead'],
  write: ['upWrite', 'downgrade'],
};
const MUTEX_STEPS = { free: ['lock', 'try'], read: [], write: ['unlock'] };

/** How it has it then. What it has tried to take it may not have: that is never given back. */
const HELD_AFTER: Readonly<Record<string, Holding>> = {
  downRead: 'read',
  downWrite: 'write',
  lock: 'write',
};

/** What a thread does to one of its locks next. */
function lockStep(
  random: Random,
  steps: Readonly<Record<Holding, readonly string[]>>,
  held: Holding[],
): Instruction {
  const object = random.chance(80) ? 0 : 1;
  const what = random.pick(steps[held[object]!]);
  held[object] = HELD_AFTER[what] ?? 'free';
  return [what, object, 0];
}

function plain(random: Random, thread: number): Instruction {
  return [random.pick(['read', 'write', 'add', 'exchange', 'cas']), random.below(2), thread + 1];
}

function special(random: Random, flavour: Flavour): Instruction[] {
  const object = random.below(2);
  const within = plain(random, random.below(3));
  switch (flavour) {
    case 'mutex':
      if (random.chance(25)) return [['try', object, 0]];
      return [['lock', object, 0], within, ['unlock', object, 0]];
    case 'rw':
      if (random.chance(20)) return [['tryWrite', object, 0]];
      if (random.chance(20)) return [['tryRead', object, 0]];
      if (random.chance(50)) return [['downRead', object, 0], within, ['upRead', object, 0]];
      return [['downWrite', object, 0], within, [random.pick(['upWrite', 'downgrade']), object, 0]];
    case 'kept': {
      // What is not given back keeps others waiting to the end.
      const [down, up] = random.chance(70) ? ['downRead', 'upRead'] : ['downWrite', 'upWrite'];
      const inner = random.chance(50) ? [within] : [];
      return [[down, 0, 0], ...inner, ...(random.chance(60) ? [[up, 0, 0] as const] : [])];
    }
    case 'until':
      return [['until', object, random.between(1, 2)]];
    case 'condition':
      return [[random.pick(['wait', 'wait', 'signal', 'signal', 'broadcast']), 0, 0]];
    case 'meeting':
      return [
        ['downRead', 0, 0],
        ['write', object, 1],
        ['until', 1 - object, 1],
        ['upRead', 0, 0],
      ];
    default:
      return special(random, random.pick(FLAVOURS.slice(1, -1)));
  }
}

/** A program in which several threads do the same, and which do. */
export interface IdenticalProgram {
  readonly program: RandomProgram;
  readonly groups: readonly (readonly number[])[];
}

export function identicalProgram(random: Random): IdenticalProgram {
  const bodies = random.chance(70) ? randomProgram(random) : keepingProgram(random);
  const sizes = random.pick([[2], [3], [2, 1], [2, 1], [2, 2], [3, 1], [1, 2], [2, 1, 1]]);
  if (bodies.length < sizes.length || bodies.flat().some(([what]) => NAMING.has(what))) {
    return identicalProgram(random);
  }
  const groups: number[][] = [];
  const program = sizes.flatMap((size, at) => {
    const first = groups.flat().length;
    groups.push(Array.from({ length: size }, (_, thread) => first + thread));
    return new Array<RandomProgram[number]>(size).fill(bodies[at]!);
  });
  return { program, groups };
}

/** A scenario of a program, and what its last execution was. */
export interface Watched {
  readonly scenario: Scenario;
  /**
   * Final words, and what each thread has read.
   *
   * @param names of the threads, their numbers unless told otherwise
   */
  outcome(names?: readonly number[]): string;
  /** The same for executions that differ only in the order of independent steps. */
  trace(names?: readonly number[]): string;
}

export interface WatchOptions {
  /** Without the methods that a scenario may leave out. */
  readonly isTerse?: boolean;
  /** Whether traces are told apart by what steps have touched, or by all that they might. */
  readonly isExact?: boolean;
}

/** Whoever waits for ever is no finding here, so that everything is seen. */
export function watch(
  program: RandomProgram,
  { isTerse = false, isExact = true }: WatchOptions = {},
): Watched {
  const world = new World();
  const things = {
    words: [world.word('x'), world.word('y'), world.word('z')],
    mutexes: [world.mutex('m'), world.mutex('n')],
    rws: [world.rwSemaphore('a'), world.rwSemaphore('b')],
    condition: world.condition('c'),
    guard: world.mutex('guard'),
  };
  let seen: (number | boolean)[][] = [];
  const inner = world.scenario(
    program.map(
      (instructions, thread) =>
        function* body() {
          for (const each of instructions) {
            const result = yield* run(things, each);
            if (result !== undefined) seen[thread]!.push(result);
          }
        },
    ),
  );
  const steps: Taken[] = [];
  let choice = 0;
  const scenario: Scenario = {
    ...inner,
    start: () => {
      steps.length = 0;
      seen = program.map(() => []);
      const now = (actor: number, at: number): number =>
        isExact && inner.canChange?.(at) ? (inner.pointNow?.(actor, at) ?? at) : at;
      return inner.start().map((actor, index) => noting(actor, index, steps, now, () => choice));
    },
    choose: (next) => {
      choice = next;
      inner.choose(next);
    },
    violation: () => undefined,
  };
  if (isTerse) {
    delete scenario.canWait;
    delete scenario.canChoose;
    delete scenario.gateOf;
    delete scenario.keeperAfter;
  }
  return {
    scenario,
    outcome: (names = seen.map((_, thread) => thread)) => {
      const read: string[] = [];
      seen.forEach((all, thread) => {
        read[names[thread]!] = all.join();
      });
      return `${things.words.map(({ value }) => value).join()} | ${read.join(' | ')}`;
    },
    trace: (names) => {
      const named = names ? steps.map((each) => ({ ...each, actor: names[each.actor]! })) : steps;
      return traceOf(named, program.length, inner);
    },
  };
}

export interface Taken {
  readonly actor: number;
  readonly at: number;
  readonly choice: number;
}

function noting(
  { name, operation }: Actor<number>,
  actor: number,
  steps: Taken[],
  now: (actor: number, at: number) => number,
  choice: () => number,
): Actor<number> {
  let at: number | undefined;
  const next = (): IteratorResult<number, unknown> => {
    if (at !== undefined) steps.push({ actor, at: now(actor, at), choice: choice() });
    const result = operation.next();
    at = result.done === true ? undefined : result.value;
    return result;
  };
  return { name, operation: { next }, isDaemon: true };
}

/** Each step with how many steps of each thread happen before it. */
export function traceOf(
  steps: readonly Taken[],
  threads: number,
  { areDependent }: Scenario,
): string {
  const clocks: number[][] = [];
  steps.forEach(({ actor, at }, index) => {
    const clock = new Array<number>(threads).fill(0);
    steps.slice(0, index).forEach((other, before) => {
      if (other.actor !== actor && !areDependent(other.at, at)) return;
      clocks[before]!.forEach((time, thread) => {
        clock[thread] = Math.max(clock[thread]!, time);
      });
    });
    clock[actor]!++;
    clocks.push(clock);
  });
  return steps
    .map(({ actor, at, choice }, index) => `${actor}: ${at} ${choice} ${clocks[index]!.join()}`)
    .sort()
    .join('\n');
}

interface Things {
  readonly words: readonly ReturnType<World['word']>[];
  readonly mutexes: readonly ReturnType<World['mutex']>[];
  readonly rws: readonly ReturnType<World['rwSemaphore']>[];
  readonly condition: ReturnType<World['condition']>;
  readonly guard: ReturnType<World['mutex']>;
}

function* run(things: Things, instruction: Instruction): Task<number | boolean | undefined> {
  const [what, object, argument] = instruction;
  const [word, mutex, rw] = [things.words[object]!, things.mutexes[object]!, things.rws[object]!];
  const { condition, guard } = things;
  switch (what) {
    case 'read':
      return yield* word.read();
    case 'write':
      return void (yield* word.write(argument));
    case 'add':
      return yield* word.fetchAdd(argument);
    case 'exchange':
      return yield* word.exchange(argument);
    case 'cas':
      return yield* word.cas(0, argument);
    case 'until':
      return yield* word.until((value) => value >= argument);
    case 'lock':
      return void (yield* mutex.lock());
    case 'unlock':
      return void (yield* mutex.unlock());
    case 'try':
      if (!(yield* mutex.tryLock())) return false;
      yield* mutex.unlock();
      return true;
    case 'signal':
      return void (yield* condition.signal());
    case 'broadcast':
      return void (yield* condition.broadcast());
    case 'wait':
      yield* guard.lock();
      yield* condition.wait(guard);
      return void (yield* guard.unlock());
    default:
      return yield* runOnRw(rw, what);
  }
}

function* runOnRw(rw: Things['rws'][number], what: string): Task<boolean | undefined> {
  switch (what) {
    case 'downRead':
      return void (yield* rw.downRead());
    case 'upRead':
      return void (yield* rw.upRead());
    case 'downWrite':
      return void (yield* rw.downWrite());
    case 'upWrite':
      return void (yield* rw.upWrite());
    case 'downgrade':
      yield* rw.downgradeWrite();
      return void (yield* rw.upRead());
    case 'tryRead':
      if (!(yield* rw.downReadTrylock())) return false;
      yield* rw.upRead();
      return true;
    default:
      if (!(yield* rw.downWriteTrylock())) return false;
      yield* rw.upWrite();
      return true;
  }
}
