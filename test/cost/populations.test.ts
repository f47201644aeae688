/** Random hosts under every design: the engine has the tables that the shapes say, to the byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DesignCost, measureDesigns } from '../../src/cost/index.ts';
import { DESIGNS } from '../../src/whatif/evaluate.ts';
import { BLANKED } from '../designs/builds.ts';
import { host, snapshotOfHost } from './random_hosts.ts';

/** Ten thousand in a long run (`PTSHARE_WORKLOADS=10000`). */
const WORKLOADS = Number(process.env.PTSHARE_WORKLOADS ?? 60);
const IDS = DESIGNS.map(({ id }) => id);

test(`${WORKLOADS} random hosts take as many bytes under each design as the shapes say`, () => {
  /** How often a design has made a difference. */
  const helped = new Map<string, number>();
  fc.assert(
    fc.property(host, (random) => {
      const costs = measureDesigns(BLANKED, snapshotOfHost(random), IDS);
      const today = (costs[0] as DesignCost).tableBytes;
      for (const cost of costs) {
        assert.ok('tableBytes' in cost, `${cost.id}: ${'why' in cost ? cost.why : ''}`);
        assert.equal(
          cost.tableBytes,
          cost.shapeBytes,
          `${cost.id}: ${cost.tableBytes} in the engine, ${cost.shapeBytes}`,
        );
        if (cost.tableBytes < today) helped.set(cost.id, (helped.get(cost.id) ?? 0) + 1);
        const last = cost.phases.at(-1)!;
        assert.equal(last.phase, 'exit');
      }
    }),
    { numRuns: WORKLOADS },
  );
  assert.deepEqual([...helped.keys()].toSorted(), IDS.filter((id) => id !== 'today').toSorted());
});
