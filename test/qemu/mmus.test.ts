/**
 * Our walker against the MMUs of QEMU: the same accesses, over the same tables, end alike.
 *
 * `PTSHARE_QEMU_ACCESSES` is how many are made of each format, instead of some seconds' worth.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { FORMATS, type PteFormat } from '../../src/arch/index.ts';
import { judgedTest, programs } from '../live/judge.ts';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { compare } from './comparison.ts';
import { Guest } from './guest.ts';
import { RandomMemory } from './random_memory.ts';

const ACCESSES = Number(process.env.PTSHARE_QEMU_ACCESSES ?? 40_000);
const BATCH = 25_000;

function judge(context: TestContext, architecture: Architecture, format: PteFormat): void {
  const first = Number(process.env.PTSHARE_QEMU_SEED ?? Date.now() % 2 ** 30);
  context.diagnostic(`PTSHARE_QEMU_SEED=${first}`);
  const guest = new Guest(architecture, format);
  let [done, found, marked] = [0, 0, 0];
  try {
    for (let seed = first; done < ACCESSES; seed++) {
      const memory = new RandomMemory(format, seed);
      const updates = architecture.updates[seed % architecture.updates.length]!;
      const count = Math.min(BATCH, ACCESSES - done);
      const verdict = compare(guest, memory, memory, count, updates);
      assert.deepEqual(verdict.differences, [], `PTSHARE_QEMU_SEED=${seed}`);
      done += verdict.accesses;
      found += verdict.endings.get(0) ?? 0;
      marked += verdict.marked;
    }
  } finally {
    guest.close();
  }
  context.diagnostic(`${done} accesses, ${found} of them to pages, ${marked} entries marked`);
  assert.ok(found > done / 10 && found < done);
}

for (const architecture of ARCHITECTURES) {
  const { prefix, program, tools } = architecture;
  for (const format of FORMATS.filter(({ id }) => id.startsWith(prefix))) {
    judgedTest(`QEMU's MMU agrees on ${format.id}`, [programs(program, `${tools}as`)], (context) =>
      judge(context, architecture, format),
    );
  }
}
