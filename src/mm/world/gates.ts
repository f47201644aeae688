/**
 * Steps that wait for a lock, or for a CPU: what keeps them waiting is told by the steps at that object
 * alone, in their order. So a search that asks about another order need not run it.
 */
import { PointKind as Kind, kindOf, Note, noteOf, objectOf, type Point } from './point.ts';
import { NONE, type World } from './world.ts';

/** Whether all locks are free, interrupts on, and nobody reads or waits: what is told starts there. */
export function areGatesOpen(world: World): boolean {
  const { lockHolder, lockReaders, irqsOff, rcuNesting, pending } = world;
  const isFree = (count: number): boolean => count === 0;
  return (
    lockHolder.every((holder) => holder === NONE) &&
    [lockReaders, irqsOff, rcuNesting, pending].every((counts) => counts.every(isFree))
  );
}

/** The lock, or the CPU, that a step waits for or changes, or a number below 0. */
export function gateOf({ objects, size }: World, at: Point): number {
  const object = objectOf(at);
  const cpu = objects.numberOf('cpu', object);
  return object < objects.locks || (cpu >= 0 && cpu < size.cpus) ? object : -1;
}

type Keeper = number | 'nobody' | 'missing' | undefined;

/**
 * Which of the steps at its gate, by these actors, keeps an actor from its step at `at`: the number of
 * one behind which it waits whichever of the others are left out; `nobody`, or `missing` if it waits
 * for what none of them has done; `undefined` if there is one of which is not known what it does.
 *
 * @param cpuOf the CPU of each actor
 */
export function keeperAfter(
  world: World,
  cpuOf: readonly number[],
  actor: number,
  at: Point,
  actors: readonly number[],
  points: readonly Point[],
): Keeper {
  const isLock = objectOf(at) < world.objects.locks;
  held.reset(actors);
  return isLock
    ? keeperOfLock(at, actors, points)
    : keeperOfCpu(cpuOf, cpuOf[actor]!, at, actors, points);
}

/** What actors have and have not given back: a lock as readers, a CPU without interrupts. */
class Held {
  #total = 0;
  /** Of each actor: how often, and since which step. */
  readonly #counts: number[] = [];
  readonly #since: number[] = [];

  reset(actors: readonly number[]): void {
    this.#total = 0;
    for (let step = 0; step < actors.length; step++) this.#counts[actors[step]!] = 0;
  }

  begin(actor: number, step: number): void {
    this.#total++;
    const count = this.#counts[actor]!++;
    if (count === 0) this.#since[actor] = step;
  }

  end(actor: number): void {
    this.#total--;
    this.#counts[actor]!--;
  }

  get isAny(): boolean {
    return this.#total > 0;
  }

  /** The step since which one of `actors` has had something, `nobody` if none has. */
  keeper(actors: readonly number[]): Keeper {
    if (this.#total === 0) return 'nobody';
    const holder = actors.find((actor) => this.#counts[actor]! > 0);
    return holder === undefined ? undefined : this.#since[holder];
  }
}

/** One for all: it is emptied when a gate is asked, and read before the next is. */
const held = new Held();

function keeperOfLock(at: Point, actors: readonly number[], points: readonly Point[]): Keeper {
  let writerSince = NONE;
  for (let step = 0; step < points.length; step++) {
    const note = noteOf(points[step]!);
    const actor = actors[step]!;
    switch (kindOf(points[step]!)) {
      case Kind.LOCK:
        if (note !== Note.AWAIT) writerSince = step;
        break;
      case Kind.LOCK_SHARED:
        held.begin(actor, step);
        break;
      case Kind.TRY_LOCK:
        if (writerSince !== NONE) break;
        if (note === Note.SHARED) held.begin(actor, step);
        else if (!held.isAny) writerSince = step;
        break;
      case Kind.UNLOCK:
        // Whoever goes on as a reader has had the lock since it was a writer.
        if (note === Note.DOWNGRADE) held.begin(actor, writerSince);
        writerSince = NONE;
        break;
      case Kind.UNLOCK_SHARED:
        held.end(actor);
        break;
      default:
        return undefined;
    }
  }
  if (writerSince !== NONE) return writerSince;
  return kindOf(at) === Kind.LOCK_SHARED ? 'nobody' : held.keeper(actors);
}

function keeperOfCpu(
  cpuOf: readonly number[],
  cpu: number,
  at: Point,
  actors: readonly number[],
  points: readonly Point[],
): Keeper {
  const kind = kindOf(at);
  let pending = 0;
  let sent = NONE;
  for (let step = 0; step < points.length; step++) {
    const actor = actors[step]!;
    switch (changeAt(points[step]!)) {
      case NO_CHANGE:
        break;
      case HANDLED:
        pending = 0;
        sent = NONE;
        break;
      case Note.SEND:
        pending |= 1 << cpuOf[actor]!;
        if (cpuOf[actor] === cpu) sent = step;
        break;
      case Note.IRQS_OFF:
        held.begin(actor, step);
        break;
      case Note.IRQS_ON:
        held.end(actor);
        break;
      case Note.RCU_LOCK:
        if (kind !== Kind.INTERRUPT) held.begin(actor, step);
        break;
      case Note.RCU_UNLOCK:
        if (kind !== Kind.INTERRUPT) held.end(actor);
        break;
      default:
        return undefined;
    }
  }
  if (kind === Kind.ACKNOWLEDGED) return sent === NONE ? 'nobody' : sent;
  const isMissing = kind === Kind.INTERRUPT && pending === 0 && !held.isAny;
  return isMissing ? 'missing' : held.keeper(actors);
}

const NO_CHANGE = -1;
const HANDLED = -2;

/** What a step at a CPU changes there: the note of its point, if that has one. */
function changeAt(at: Point): number {
  const kind = kindOf(at);
  if (kind === Kind.INTERRUPT) return HANDLED;
  return kind === Kind.ACKNOWLEDGED || kind === Kind.QUIESCENT ? NO_CHANGE : noteOf(at);
}
