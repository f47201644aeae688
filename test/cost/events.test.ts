/**
 * Sharing that ends, and begins again: processes change what they map, fork and exit. Under every
 * design the engine then has the tables that the shapes say, to the byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FORKS_MAX } from '../../src/cost/stage.ts';
import { explainHost } from '../../src/twin/explain.ts';
import { DESIGNS, evaluateDesigns } from '../../src/whatif/evaluate.ts';
import { KNOWN } from './known_hosts.ts';
import { events } from './random_events.ts';
import { host, snapshotOfHost } from './random_hosts.ts';
import { StagedLife } from './staged_life.ts';

/** Ten thousand in a long run (`PTSHARE_WORKLOADS=10000`). */
const WORKLOADS = Number(process.env.PTSHARE_WORKLOADS ?? 200);
/** What each design must have met for its run to say something. */
const USUAL = ['unmap', 'protect', 'restore', 'move', 'discard', 'store', 'fork', 'exit'];
/** Designs under which a process that changes something gives up tables that others have, too. */
const GIVES_UP = [
  'hugetlb-2m',
  'hugetlb-2m-aligned',
  'pt2006-pte',
  'pt2006-pmd',
  'on-demand-fork',
  'cow-pte',
];

for (const design of DESIGNS) {
  test(`${design.id}: ${WORKLOADS} random hosts whose processes change, fork and exit`, () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(host, events, (random, happening) => {
        const before = snapshotOfHost(random, design.id !== 'identical');
        const [evaluation] = evaluateDesigns(explainHost(before), [design]);
        const life = new StagedLife(before, evaluation!, FORKS_MAX);
        for (const one of happening) {
          if (!life.perform(one)) continue;
          met.add(one.what);
          const isChange = one.what !== 'exit' && one.what !== 'detach';
          if (life.hasUnshared && isChange) met.add('unshare');
          if (life.hasFoundWhole && design.id === 'shmem-thp') met.add('found whole');
          life.check();
        }
        life.audit();
      }),
      { numRuns: WORKLOADS, examples: KNOWN },
    );
    const wanted = [...USUAL];
    if (design.id === 'mshare') wanted.push('region', 'detach');
    if (GIVES_UP.includes(design.id)) wanted.push('unshare');
    if (design.id === 'shmem-thp') wanted.push('found whole');
    assert.deepEqual([...met].toSorted(), wanted.toSorted());
  });
}
