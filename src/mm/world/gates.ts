/**
 * Steps that wait for a lock, or for a CPU: whether they may go is told by the steps at that object
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

/**
 * Whether an actor may take its step at `at` behind steps at its gate, by these actors; `undefined`
 * if there is one of which is not known what it does.
 *
 * @param cpuOf the CPU of each actor
 */
export function mayGoAfter(
  world: World,
  cpuOf: readonly number[],
  actor: number,
  at: Point,
  actors: readonly number[],
  points: readonly Point[],
): boolean | undefined {
  const isLock = objectOf(at) < world.objects.locks;
  return isLock ? isLockFree(at, points) : isCpuReady(cpuOf, cpuOf[actor]!, at, actors, points);
}

function isLockFree(at: Point, points: readonly Point[]): boolean | undefined {
  let isHeld = false;
  let readers = 0;
  for (let step = 0; step < points.length; step++) {
    const note = noteOf(points[step]!);
    switch (kindOf(points[step]!)) {
      case Kind.LOCK:
        if (note !== Note.AWAIT) isHeld = true;
        break;
      case Kind.LOCK_SHARED:
        readers++;
        break;
      case Kind.TRY_LOCK:
        if (isHeld) break;
        if (note === Note.SHARED) readers++;
        else if (readers === 0) isHeld = true;
        break;
      case Kind.UNLOCK:
        isHeld = false;
        if (note === Note.DOWNGRADE) readers++;
        break;
      case Kind.UNLOCK_SHARED:
        readers--;
        break;
      default:
        return undefined;
    }
  }
  return !isHeld && (kindOf(at) === Kind.LOCK_SHARED || readers === 0);
}

function isCpuReady(
  cpuOf: readonly number[],
  cpu: number,
  at: Point,
  actors: readonly number[],
  points: readonly Point[],
): boolean | undefined {
  let irqsOff = 0;
  let rcuNesting = 0;
  let pending = 0;
  for (let step = 0; step < points.length; step++) {
    switch (changeAt(points[step]!)) {
      case NO_CHANGE:
        break;
      case HANDLED:
        pending = 0;
        break;
      case Note.SEND:
        pending |= 1 << cpuOf[actors[step]!]!;
        break;
      case Note.IRQS_OFF:
        irqsOff++;
        break;
      case Note.IRQS_ON:
        irqsOff--;
        break;
      case Note.RCU_LOCK:
        rcuNesting++;
        break;
      case Note.RCU_UNLOCK:
        rcuNesting--;
        break;
      default:
        return undefined;
    }
  }
  if (kindOf(at) === Kind.INTERRUPT) return pending !== 0 && irqsOff === 0;
  if (kindOf(at) === Kind.ACKNOWLEDGED) return (pending & (1 << cpu)) === 0;
  return irqsOff === 0 && rcuNesting === 0;
}

const NO_CHANGE = -1;
const HANDLED = -2;

/** What a step at a CPU changes there: the note of its point, if that has one. */
function changeAt(at: Point): number {
  const kind = kindOf(at);
  if (kind === Kind.INTERRUPT) return HANDLED;
  return kind === Kind.ACKNOWLEDGED || kind === Kind.QUIESCENT ? NO_CHANGE : noteOf(at);
}
