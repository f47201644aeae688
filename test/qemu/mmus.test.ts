/**
 * Our walker against the MMUs of QEMU: the same accesses, over the same tables, end alike.
 *
 * `PTSHARE_QEMU_ACCESSES` is how many are made of each format and kind of tables, instead of some
 * seconds' worth; `PTSHARE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { FORMATS, type PteFormat } from '../../src/arch/index.ts';
import { judgedTest, programs } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { compare, type Source } from './comparison.ts';
import { busyMemories, memoriesOf } from './engine_memory.ts';
import { Guest } from './guest.ts';
import { granularMachine } from './hugetlb_memory.ts';
import { RandomMemory, type TableSet } from './random_memory.ts';

const ACCESSES = Number(process.env.PTSHARE_QEMU_ACCESSES ?? 20_000);
/** Most over the same tables. */
const BATCH = 50_000;

/** Entries of a process with huge pages in pieces that is worth a run. */
const PIECES_MIN = 20;

type Draw = (format: PteFormat, seed: number) => Iterable<TableSet & Source>;

const IN_PIECES = 'huge pages of hugetlb in pieces';
const KINDS_OF_TABLES: Readonly<Record<string, Draw>> = {
  'random tables': (format, seed) => [new RandomMemory(format, seed)],
  'tables that the engine built': busyMemories,
  [IN_PIECES]: (format, seed) => memoriesOf(granularMachine(format, seed), seed, PIECES_MIN),
};

function* endless(draw: Draw, format: PteFormat, first: number) {
  for (let seed = first; ; seed++) {
    for (const memory of draw(format, seed)) yield { seed, memory };
  }
}

function judge(
  context: TestContext,
  architecture: Architecture,
  format: PteFormat,
  draw: Draw,
): void {
  const first = newSeed();
  context.diagnostic(`PTSHARE_SEED=${first}`);
  const guest = new Guest(architecture, format);
  const [endings, { updates }] = [new Map<number, number>(), architecture];
  let [done, marked] = [0, 0];
  try {
    for (const { seed, memory } of endless(draw, format, first)) {
      const count = Math.min(BATCH, Math.ceil(ACCESSES / 10), ACCESSES - done);
      const verdict = compare(guest, memory, memory, count, updates[seed % updates.length]!);
      assert.deepEqual(verdict.differences, [], `PTSHARE_SEED=${seed}`);
      for (const [end, times] of verdict.endings) endings.set(end, (endings.get(end) ?? 0) + times);
      done += verdict.accesses;
      marked += verdict.marked;
      if (done >= ACCESSES) break;
    }
  } finally {
    guest.close();
  }
  const found = endings.get(0) ?? 0;
  const faults = [...endings.keys()].filter((end) => end < 0).length;
  context.diagnostic(
    `${done} accesses, ${found} to pages, ${faults} kinds of faults, ${marked} entries marked`,
  );
  // The engine marks most pages itself.
  assert.ok(found > done / 10 && faults >= 2, `${found} pages, ${faults} kinds of faults`);
}

for (const architecture of ARCHITECTURES) {
  const { prefix, program, tools } = architecture;
  const judges = [programs(program, `${tools}as`)];
  for (const format of FORMATS.filter(({ id }) => id.startsWith(prefix))) {
    for (const [tables, draw] of Object.entries(KINDS_OF_TABLES)) {
      // The sizes of huge pages in pieces are those of x86-64, arm64 and riscv64.
      if (tables === IN_PIECES && prefix.startsWith('ppc64')) continue;
      judgedTest(`QEMU's MMU agrees on ${format.id} with ${tables}`, judges, (context) =>
        judge(context, architecture, format, draw),
      );
    }
  }
}
