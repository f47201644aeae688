/**
 * Programs of reads and writes without branches: for these the number of executions that differ by
 * more than the order of independent steps follows from the text alone.
 */
import { type Scenario, World } from '../../src/check/index.ts';

/** `'Wx'` writes the word x, `'Rx'` reads it; a thread is a line of them. */
export type Access = `${'R' | 'W'}${string}`;
export type StraightLine = readonly (readonly Access[])[];

export function straightLine(text: readonly string[]): StraightLine {
  return text.map((line) => line.split(' ').filter((word) => word !== '') as Access[]);
}

export function scenarioOf(threads: StraightLine): Scenario {
  const world = new World();
  const words = new Map(
    [...new Set(threads.flat().map((access) => access.slice(1)))].map((name) => [
      name,
      world.word(name),
    ]),
  );
  return world.scenario(
    threads.map(
      (accesses) =>
        function* thread() {
          for (const access of accesses) {
            const word = words.get(access.slice(1))!;
            if (access[0] === 'W') yield* word.write(1);
            else yield* word.read();
          }
        },
    ),
  );
}

/**
 * In how many ways the conflicting accesses of different threads can be ordered without a cycle with
 * the order within threads: each is one trace of Mazurkiewicz.
 */
export function countTraces(threads: StraightLine): number {
  const nodes = threads.flatMap((accesses, thread) =>
    accesses.map((access) => ({ thread, access })),
  );
  const edges = nodes.map(() => new Set<number>());
  nodes.forEach(({ thread }, at) => {
    if (nodes[at + 1]?.thread === thread) edges[at]!.add(at + 1);
  });
  const conflicts = nodes.flatMap((one, first) =>
    nodes.flatMap((other, second) => {
      const isConflict =
        one.thread < other.thread &&
        one.access.slice(1) === other.access.slice(1) &&
        `${one.access[0]}${other.access[0]}` !== 'RR';
      return isConflict ? [[first, second] as const] : [];
    }),
  );
  const leads = (from: number, to: number, seen = new Set<number>()): boolean => {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return [...edges[from]!].some((next) => leads(next, to, seen));
  };
  const count = (next: number): number => {
    if (next === conflicts.length) return 1;
    const [one, other] = conflicts[next]!;
    let sum = 0;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      if (leads(to, from)) continue;
      const isNew = !edges[from]!.has(to);
      edges[from]!.add(to);
      sum += count(next + 1);
      if (isNew) edges[from]!.delete(to);
    }
    return sum;
  };
  return count(0);
}
