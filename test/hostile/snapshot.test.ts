import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { newSeed } from '../seed.ts';
import { CurrentFile, type FuzzJob, type FuzzResult } from './fuzz_job.ts';

const RUNS = 10_000;
const HEAP_MIB_MAX = 192;
/** Of array buffers, for one file of a few KB: a row group may say that it has 65,536 rows. */
const BYTES_MAX = 64 * 2 ** 20;
/** A file takes about a millisecond; the rest is for machines that have other things to do. */
const MILLISECONDS_MAX = 5000;
const WATCH_MILLISECONDS = 250;

/** The result, or an error that says which file stopped the worker. */
function fuzz(job: FuzzJob): Promise<FuzzResult> {
  const current = new CurrentFile(job.current);
  const worker = new Worker(new URL('./fuzz_worker.js', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  return new Promise<FuzzResult>((resolve, reject) => {
    let sequence = -1;
    let movedAt = performance.now();
    const watchdog = setInterval(() => {
      if (current.sequence !== sequence) {
        sequence = current.sequence;
        movedAt = performance.now();
      } else if (performance.now() - movedAt > 2 * job.millisecondsMax) {
        finish();
        void worker.terminate();
        reject(new Error(describe('It hangs', job.seed, current.read())));
      }
    }, WATCH_MILLISECONDS);
    const finish = (): void => clearInterval(watchdog);
    worker.on('message', (result: FuzzResult) => {
      finish();
      resolve(result);
    });
    worker.on('error', (error) => {
      finish();
      reject(new Error(describe(String(error), job.seed, current.read())));
    });
  });
}

/** Everything that is needed to see a failure again. */
function describe(what: string, seed: number, file: Uint8Array): string {
  const path = join(tmpdir(), `ptshare-hostile-${seed}.parquet`);
  writeFileSync(path, file);
  const base64 = Buffer.from(file).toString('base64');
  return `${what}: seed ${seed}, file ${path}, in base64:\n${base64}`;
}

test('10,000 mutants each give a clear error or a valid snapshot, soon and in little memory', {
  timeout: 300_000,
}, async (context) => {
  const seed = newSeed();
  const { failure, accepted, refusals } = await fuzz({
    seed,
    runs: RUNS,
    current: CurrentFile.allocate(),
    millisecondsMax: MILLISECONDS_MAX,
    bytesMax: BYTES_MAX,
  });
  if (failure !== undefined) {
    assert.fail(`${describe(failure.error, seed, failure.mutant.file)}\nby ${failure.mutant.how}`);
  }

  const reasons = new Set([...refusals.values()].flatMap((counts) => [...counts.keys()]));
  context.diagnostic(`seed ${seed}: ${accepted} accepted, ${reasons.size} reasons of refusal`);
  // Mutants that all fail at the first check would prove nothing about the others.
  assert.ok(accepted > RUNS / 100, `only ${accepted} accepted`);
  assert.ok(reasons.size > 60, `only ${reasons.size} reasons of refusal`);
});
