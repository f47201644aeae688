/** What a scheduler has to know: which CPU may go on, and what it would choose from. */
import { assert } from '../../base/assert.ts';
import { PointKind as Kind, kindName, kindOf, objectOf, type Point } from './point.ts';
import { isQuiescent } from './rcu.ts';
import { FrameFlag, NONE, SWAP_PINNED, VMA_READERS, type World } from './world.ts';

/** Whether an actor on `cpu` that stands at a point may take its step now. */
export function mayGo(world: World, cpu: number, at: Point): boolean {
  const { objects, lockHolder, lockReaders, irqsOff, pending } = world;
  const object = objectOf(at);
  switch (kindOf(at)) {
    case Kind.LOCK:
      return lockHolder[object] === NONE && lockReaders[object] === 0;
    case Kind.LOCK_SHARED:
      return lockHolder[object] === NONE;
    case Kind.LOCK_FOLIO:
      return (world.frameFlags[objects.numberOf('folioLock', object)]! & FrameFlag.LOCKED) === 0;
    case Kind.SLOT_READ:
      return world.swapCache[objects.numberOf('swapSlot', object)] !== SWAP_PINNED;
    case Kind.DRAIN:
      return isDrained(world, objects.numberOf('vmaReferences', object));
    case Kind.INTERRUPT: {
      const target = objects.numberOf('cpu', object);
      return pending[target] !== 0 && irqsOff[target] === 0;
    }
    case Kind.ACKNOWLEDGED:
      return (pending[objects.numberOf('cpu', object)]! & (1 << cpu)) === 0;
    case Kind.QUIESCENT:
      return isQuiescent(world, objects.numberOf('cpu', object));
    case Kind.CALLBACKS:
      return world.callbackTables[objects.numberOf('callbacks', object)] !== NONE;
    case Kind.SLEEP:
      return world.asleep[cpu] === 0;
    default:
      return true;
  }
}

const WAITING: ReadonlySet<Kind> = new Set([
  Kind.LOCK,
  Kind.LOCK_SHARED,
  Kind.LOCK_FOLIO,
  Kind.SLOT_READ,
  Kind.DRAIN,
  Kind.INTERRUPT,
  Kind.ACKNOWLEDGED,
  Kind.QUIESCENT,
  Kind.CALLBACKS,
  Kind.SLEEP,
]);

/** Whether a step may ever have to wait. */
export const canWait = (at: Point): boolean => WAITING.has(kindOf(at));

/** Whether a step can ever go in more than one way. */
export function canChoose(at: Point): boolean {
  const kind = kindOf(at);
  return kind === Kind.LOAD || kind === Kind.STORE;
}

/** Whether all readers of a VMA have left. */
const isDrained = (world: World, vma: number): boolean =>
  (world.vmaReferences[vma]! & VMA_READERS) === 0;

/** How many ways a step can go: translations that an access may use. */
export function countChoices(world: World, at: Point): number {
  const kind = kindOf(at);
  if (kind !== Kind.LOAD && kind !== Kind.STORE) return 1;
  const { accessMm, accessPage, ledger, objects } = world;
  const agent = objects.numberOf('tlb', objectOf(at));
  return 1 + ledger.countStale(agent, accessMm[agent]!, accessPage[agent]!, kind === Kind.STORE);
}

/** Decides which way the next step goes. */
export function choose(world: World, choice: number): void {
  assert(choice >= 0, 'a choice is a count from zero');
  world.choice[0] = choice;
}

/** `LOCK mmap_lock of mm 0`. */
export function describePoint(world: World, at: Point): string {
  return `${kindName(kindOf(at))} ${world.objects.describe(objectOf(at))}`;
}
