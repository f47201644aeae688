/** Files of a dataset that nobody wrote on purpose. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyseFile } from '../../src/fleet/analyse.ts';
import { DATASET_FORMAT } from '../../src/fleet/columns.ts';
import { DatasetError } from '../../src/fleet/dataset_error.ts';
import { decodeDataset } from '../../src/fleet/decode.ts';
import { encodeDataset } from '../../src/fleet/encode.ts';
import { type Sample, sampleOf } from '../../src/fleet/sample.ts';
import { buildHostReport } from '../../src/report/build_report.ts';
import { SnapshotError } from '../../src/snapshot/snapshot_error.ts';
import { GIB, generateHost } from '../fixtures/generate_host.ts';
import { varyHost } from '../fixtures/vary_host.ts';
import { countAllocations } from '../hostile/count_allocations.ts';
import { anyMutant, type Mutant, toBase } from '../hostile/mutate.ts';
import { newSeed } from '../seed.ts';

const RUNS = 5000;
/** Of array buffers, for one file of a few KB: a row group may say that it has 65,536 rows. */
const BYTES_MAX = 64 * 2 ** 20;
/** A file takes a few milliseconds; the rest is for machines that have other things to do. */
const MILLISECONDS_MAX = 5000;

const base = generateHost({ processes: 3, segmentBytes: GIB, statusOnly: 2 });

function sampleAt(host: number, day: number): Sample {
  return sampleOf(buildHostReport(varyHost(base, { host, day })), host);
}

const samples = [sampleAt(1, 0), sampleAt(1, 1), sampleAt(2, 0)];

test('5,000 mutants each give a clear error or valid samples, soon and in little memory', async (context) => {
  const seed = newSeed();
  const bases = await Promise.all(
    [samples, samples.slice(2), []].map((list) => toBase(encodeDataset(list), DATASET_FORMAT)),
  );
  const reasons = new Map<string, number>();
  let accepted = 0;
  const check = ({ file }: Mutant): void => {
    const start = performance.now();
    const bytes = countAllocations(() => {
      try {
        const read = analyseFile(file);
        assert.deepStrictEqual(decodeDataset(encodeDataset(read)), read);
        accepted++;
      } catch (error) {
        if (!(error instanceof SnapshotError) && !(error instanceof DatasetError)) throw error;
        assert.match(error.message, /^Invalid (snapshot|dataset file): .+: .+\. [A-Z]/s);
        const what = error.message.replaceAll(/\d+/g, 'N');
        reasons.set(what, (reasons.get(what) ?? 0) + 1);
      }
    });
    assert.ok(performance.now() - start <= MILLISECONDS_MAX, 'it takes too long');
    assert.ok(bytes <= BYTES_MAX, `it asks for ${bytes} bytes`);
  };
  fc.assert(fc.property(anyMutant(bases), check), { seed, numRuns: RUNS });
  context.diagnostic(`seed ${seed}: ${accepted} accepted, ${reasons.size} reasons of refusal`);
  // Mutants that all fail at the first check would prove nothing about the others.
  assert.ok(accepted > RUNS / 100, `only ${accepted} accepted`);
  assert.ok(reasons.size > 40, `only ${reasons.size} reasons of refusal`);
});

test('what is written is read back, sample by sample', () => {
  assert.deepStrictEqual(decodeDataset(encodeDataset(samples)), samples);
  assert.deepStrictEqual(decodeDataset(encodeDataset([])), []);
});

test('a row group that is full goes on in the next one', () => {
  const many = Array.from({ length: 1500 }, () => samples).flat();
  assert.ok(many.length * 20 > 2 ** 16, 'more rows than a row group has');
  assert.deepStrictEqual(decodeDataset(encodeDataset(many)), many);
});

test('a file of a newer version is told apart from a damaged one', async () => {
  const { container } = await toBase(encodeDataset(samples), DATASET_FORMAT);
  const { close } = await import('../hostile/container.ts');
  const footer = structuredClone(container.footer);
  footer.field_5[0].field_2 = Buffer.from('2');
  assert.throws(() => decodeDataset(close({ ...container, footer })), /version is not 1.*newer/);
  const damaged = Uint8Array.from(encodeDataset(samples));
  damaged[100]! ^= 1;
  assert.throws(() => decodeDataset(damaged), /checksum.*Remove the file, or copy it again/);
});
