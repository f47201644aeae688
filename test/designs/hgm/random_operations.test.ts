/**
 * Random calls on huge pages that are mapped in pieces: whatever they do, the recount of the
 * tables is what each version counts, and in the end everything is back in the pool.
 *
 * `PTSHARE_HGM_CALLS` is how many are made of each version, instead of some seconds' worth;
 * `PTSHARE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../../src/arch/index.ts';
import * as canonicalDesigns from '../../../src/designs/index.ts';
import * as canonical from '../../../src/mm/index.ts';
import { Alone } from '../../../src/script/alone.ts';
import { newSeed } from '../../seed.ts';
import { GranularCalls } from './granular_calls.ts';

const HUGE = 512;
const GIB = HUGE * HUGE;
const CALLS = Number(process.env.PTSHARE_HGM_CALLS ?? 10_000);
const SEED = newSeed();

type Engine = typeof canonical;
type Designs = typeof canonicalDesigns;
const built = (layer: string): Promise<unknown> =>
  import(new URL(`../../../fast/src/${layer}/index.js`, import.meta.url).href);
const fast = (await built('mm')) as Engine;
const fastDesigns = (await built('designs')) as Designs;

interface Plan {
  readonly name: string;
  readonly pages: number;
  readonly format: string;
  readonly sizes?: readonly number[];
  /** Of the calls. */
  readonly share: number;
  /** Every how many calls all is recounted. */
  readonly auditEvery: number;
}

/** Of each version. */
const PLANS: readonly Plan[] = [
  { name: '2 MiB', pages: HUGE, format: 'x86_64-4level', share: 0.6, auditEvery: 20 },
  { name: '1 GiB', pages: GIB, format: 'x86_64-4level', share: 0.3, auditEvery: 1_000 },
  {
    ...{ name: 'arm64, with runs of entries', pages: GIB, format: 'arm64-4k-48bit' },
    ...{ sizes: [HUGE, 16, 16 * HUGE, GIB], share: 0.1, auditEvery: 500 },
  },
];

function play(mm: Engine, d: Designs, plan: Plan, options: canonicalDesigns.HgmOptions): string {
  const { pages, format, sizes = [], share, auditEvery } = plan;
  const calls = Math.ceil(CALLS * share);
  const isLarge = pages === GIB;
  const machine = new mm.Machine(
    {
      format: formatById(format)!,
      frames: isLarge ? 3 * GIB : 8 * HUGE,
      ...{ mms: 4, userfaultfds: 4, tables: 64, vmas: 32, gather: 64, contents: false },
      ...(isLarge ? { gigantic: 2, hugeSizes: sizes } : { hugePages: 4 }),
    },
    {},
    [d.hgm(options)],
  );
  const count = isLarge ? 1 : 2;
  // Explored, somebody has to serve interrupts and callbacks.
  const alone = mm === canonical ? new Alone(canonical, machine) : undefined;
  const run = alone === undefined ? mm.run : alone.run.bind(alone);
  const work = new GranularCalls(mm, d, machine, options, { pages, count, seed: SEED }, run);
  for (let call = 1; call <= calls; call++) {
    work.step();
    if (call % auditEvery !== 0) continue;
    mm.audit(machine);
    const where = `PTSHARE_SEED=${SEED}, ${options.name}, call ${call}`;
    assert.equal(mm.violationOf(machine), undefined, where);
  }
  work.end();
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
  for (const { total, free, reserved } of machine.hugetlb.hstates) {
    assert.deepEqual([free.length, reserved], [total, 0]);
  }
  assert.deepEqual(work.idle(calls / 2_000), [], 'every call did what it was asked, often');
  return JSON.stringify([...work.done]);
}

for (const plan of PLANS) {
  for (const options of canonicalDesigns.HGM_VERSIONS) {
    test(`random calls on pages of ${plan.name} are counted as in ${options.name}`, (context) => {
      context.diagnostic(`PTSHARE_SEED=${SEED}`);
      play(fast, fastDesigns, plan, options);
    });
  }
}

test('calls that are explored end as those at full speed', () => {
  for (const options of canonicalDesigns.HGM_VERSIONS) {
    const plan = { ...PLANS[0]!, share: 0.1 };
    const explored = play(canonical, canonicalDesigns, plan, options);
    assert.equal(explored, play(fast, fastDesigns, plan, options));
  }
});
