/**
 * Sharing that ends: processes unmap what they share, and exit. Under every design the engine then has
 * the tables that the shapes say of what is left, to the byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { populationOf } from '../../src/cost/population.ts';
import { Stage } from '../../src/cost/stage.ts';
import type { HostSnapshot } from '../../src/snapshot/records.ts';
import { countTables } from '../../src/twin/count_tables.ts';
import { explainHost } from '../../src/twin/explain.ts';
import { DESIGNS, type Evaluation, evaluateDesigns } from '../../src/whatif/evaluate.ts';
import { partsOf, withParts } from '../../src/whatif/rewrite.ts';
import { BLANKED } from '../designs/builds.ts';
import { host, snapshotOfHost } from './random_hosts.ts';

/** Ten thousand in a long run (`WORKLOADS=10000`). */
const WORKLOADS = Number(process.env.WORKLOADS ?? 40);
const PAGE_BYTES = 4096;

const event = fc.record({
  what: fc.constantFrom('unmap', 'unmap', 'unmap', 'exit'),
  process: fc.nat(3),
  mapping: fc.nat(7),
});
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

for (const design of DESIGNS) {
  test(`${design.id}: ${WORKLOADS} random hosts whose processes unmap and exit`, () => {
    let ended = 0;
    fc.assert(
      fc.property(host, fc.array(event, { minLength: 1, maxLength: 6 }), (random, events) => {
        const before = snapshotOfHost(random);
        const [evaluation] = evaluateDesigns(explainHost(before), [design]);
        const life = new Life(before, evaluation!);
        for (const one of events) if (life.perform(one)) ended++;
        life.check();
      }),
      { numRuns: WORKLOADS },
    );
    assert.ok(ended > 0, 'something was given up');
  });
}

/** A host under a design, and what is left of it. */
class Life {
  readonly #before: HostSnapshot;
  readonly #evaluation: Evaluation;
  readonly #stage: Stage;
  readonly #exited = new Set<number>();
  /** By process, first pages of mappings that are gone. */
  readonly #unmapped = new Map<number, Set<number>>();

  constructor(before: HostSnapshot, evaluation: Evaluation) {
    this.#before = before;
    this.#evaluation = evaluation;
    const { design, outcome } = evaluation;
    this.#stage = new Stage(BLANKED, populationOf(outcome.snapshot), design.id, before);
    this.#stage.populate();
  }

  /** @returns whether there was something to end */
  perform({ what, process, mapping }: Event): boolean {
    const mms = this.#evaluation.outcome.snapshot.mms.slice(0, this.#before.mms.length);
    const index = process % mms.length;
    if (this.#exited.has(index)) return false;
    const task = this.#stage.as(index);
    if (what === 'exit') {
      if (this.#exited.size === mms.length - 1 || this.#ownsRegion(index)) return false;
      BLANKED.run(BLANKED.exit(task));
      this.#exited.add(index);
      return true;
    }
    const gone = this.#unmapped.get(index) ?? new Set();
    this.#unmapped.set(index, gone);
    const vmas = mms[index]!.vmas.filter(({ start }) => !gone.has(start));
    const vma = vmas[mapping % Math.max(vmas.length, 1)];
    if (vma === undefined) return false;
    const length = (vma.end - vma.start) * PAGE_BYTES;
    assert.equal(BLANKED.run(BLANKED.munmap(task, vma.start * PAGE_BYTES, length)), 0);
    gone.add(vma.start);
    return true;
  }

  /** A region ends with the process that made it: the first that mapped its object. */
  #ownsRegion(index: number): boolean {
    const { mms } = this.#before;
    const regions = this.#evaluation.outcome.snapshot.mms.slice(mms.length);
    return regions.some(({ vmas }) => {
      const { object } = vmas[0]!;
      const isSharer = (mm: HostSnapshot['mms'][number]): boolean =>
        mm.vmas.some((vma) => vma.shared && vma.object === object);
      return mms.findIndex(isSharer) === index;
    });
  }

  check(): void {
    const { machine } = this.#stage;
    const { design, outcome } = this.#evaluation;
    BLANKED.audit(machine);
    assert.equal(BLANKED.violationOf(machine), undefined);
    const mms = outcome.snapshot.mms.flatMap((mm, index) => {
      if (this.#exited.has(index)) return [];
      const gone = this.#unmapped.get(index);
      if (gone === undefined) return [mm];
      return [
        withParts(
          mm,
          partsOf(mm).filter(({ vma }) => !gone.has(vma.start)),
        ),
      ];
    });
    const shape = countTables({ ...outcome.snapshot, mms }, outcome.rule).distinct + mms.length;
    const engine =
      design.id === 'identical'
        ? BLANKED.identicalTables(machine).distinct + mms.length
        : machine.tableUsed.reduce((sum, used) => sum + used, 0);
    assert.equal(engine * PAGE_BYTES, shape * PAGE_BYTES);
  }
}
