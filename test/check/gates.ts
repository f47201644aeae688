/** A scenario that is its own judge: what it says of steps that wait is held against what they do. */
import assert from 'node:assert/strict';
import type { Scenario } from '../../src/check/index.ts';

export interface Judged<Point extends number> {
  readonly scenario: Scenario<Point>;
  /** How often a step that may wait could be foretold, and that it must. */
  readonly told: { count: number; waits: number };
}

/**
 * The same scenario, which tells a search nothing: so the search runs what it would be told. Whenever
 * it is asked whether a step may go, what would have been told must be the same.
 */
export function judged<Point extends number>(inner: Scenario<Point>, name: string): Judged<Point> {
  const told = { count: 0, waits: 0 };
  const taken: { readonly actor: number; readonly at: Point }[] = [];
  const stands: (Point | undefined)[] = [];
  const areNoted = (actor: number, at: Point): Point => inner.note?.(actor, at) ?? at;
  const scenario: Scenario<Point> = {
    ...plain(inner),
    start: () => {
      taken.length = 0;
      stands.length = 0;
      return inner.start().map((actor, index) => ({
        ...actor,
        operation: {
          next: () => {
            const at = stands[index];
            if (at !== undefined) taken.push({ actor: index, at });
            const result = actor.operation.next();
            stands[index] = result.done === true ? undefined : areNoted(index, result.value);
            return result;
          },
        },
      }));
    },
    mayGo: (actor, at) => {
      const mayGo = inner.mayGo(actor, at);
      const gate = inner.gateOf!(at);
      if (gate < 0 || inner.canWait?.(at) === false) return mayGo;
      const past = taken.filter((step) => inner.gateOf!(step.at) === gate);
      const actors = past.map((step) => step.actor);
      const points = past.map((step) => step.at);
      const keeper = inner.keeperAfter!(actor, at, actors, points);
      if (keeper === undefined) return mayGo;
      const foretold = keeper === 'nobody';
      told.count++;
      if (!foretold) told.waits++;
      if (foretold !== mayGo) {
        const steps = past.map((step) => `${step.actor}: ${inner.describe(step.at)}`).join(', ');
        assert.fail(`${name}: ${actor}: ${inner.describe(at)} behind ${steps}`);
      }
      return mayGo;
    },
  };
  return { scenario, told };
}

/** Without what is told of gates, with the methods that classes have. */
function plain<Point extends number>(inner: Scenario<Point>): Scenario<Point> {
  return {
    start: () => inner.start(),
    mayGo: (actor, at) => inner.mayGo(actor, at),
    countChoices: (actor, at) => inner.countChoices(actor, at),
    choose: (choice) => inner.choose(choice),
    areDependent: (one, other) => inner.areDependent(one, other),
    note: (actor, at) => inner.note?.(actor, at) ?? at,
    canChange: (at) => inner.canChange?.(at) ?? false,
    pointNow: (actor, at) => inner.pointNow?.(actor, at) ?? at,
    canWait: (at) => inner.canWait?.(at) ?? true,
    canChoose: (at) => inner.canChoose?.(at) ?? true,
    identical: inner.identical ?? [],
    violation: () => inner.violation(),
    violationAtEnd: () => inner.violationAtEnd(),
    describe: (at) => inner.describe(at),
  };
}
