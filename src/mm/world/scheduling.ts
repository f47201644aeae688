/** What a scheduler has to know: which CPU may go on, and what it would choose from. */
import { assert } from '../base/assert.ts';
import { countTranslations } from './access.ts';
import { type Machine, NONE } from './machine.ts';
import { isDrained } from './mmap_lock.ts';
import { PointKind as Kind, kindName, kindOf, objectOf, type Point } from './point.ts';
import { isQuiescent } from './rcu.ts';

/** Whether an actor on `cpu` that stands at a point may take its step now. */
export function mayGo(machine: Machine, cpu: number, at: Point): boolean {
  const { objects, lockHolder, lockReaders, irqsOff, pending } = machine;
  const object = objectOf(at);
  switch (kindOf(at)) {
    case Kind.LOCK:
      return lockHolder[object] === NONE && lockReaders[object] === 0;
    case Kind.LOCK_SHARED:
      return lockHolder[object] === NONE;
    case Kind.DRAIN:
      return isDrained(machine, objects.vmaOf(object));
    case Kind.INTERRUPT:
      return pending[objects.cpuOf(object)] !== 0 && irqsOff[objects.cpuOf(object)] === 0;
    case Kind.ACKNOWLEDGED:
      return (pending[objects.cpuOf(object)]! & (1 << cpu)) === 0;
    case Kind.QUIESCENT:
      return isQuiescent(machine, objects.cpuOf(object));
    case Kind.CALLBACKS:
      return machine.callbackTables[objects.listOf(object)] !== NONE;
    default:
      return true;
  }
}

/** How many ways the step of an actor on `cpu` can go: translations that an access may use. */
export function countChoices(machine: Machine, cpu: number, at: Point): number {
  const kind = kindOf(at);
  return kind === Kind.LOAD || kind === Kind.STORE ? countTranslations(machine, cpu) : 1;
}

/** Decides which way the next step goes. */
export function choose(machine: Machine, choice: number): void {
  assert(choice >= 0, 'a choice is a count from zero');
  machine.choice[0] = choice;
}

/** `LOCK mmap_lock of mm 0`. */
export function describePoint(machine: Machine, at: Point): string {
  return `${kindName(kindOf(at))} ${machine.objects.describe(objectOf(at))}`;
}
