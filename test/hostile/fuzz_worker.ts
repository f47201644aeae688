/** Decodes mutants on a thread of its own, which may hang or run out of memory. */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { decodeSnapshot } from '../../src/snapshot/decode.ts';
import { encodeSnapshot } from '../../src/snapshot/encode.ts';
import type { HostSnapshot } from '../../src/snapshot/records.ts';
import { SnapshotError } from '../../src/snapshot/snapshot_error.ts';
import { anySnapshot } from '../fixtures/arbitrary_snapshot.ts';
import { GIB, generateHost } from '../fixtures/generate_host.ts';
import { countAllocations } from './count_allocations.ts';
import { CurrentFile, type FuzzJob, type FuzzResult } from './fuzz_job.ts';
import { anyMutant, type Mutant, toBase } from './mutate.ts';

const job = workerData as FuzzJob;
const current = new CurrentFile(job.current);
const refusals = new Map<string, Map<string, number>>();
let accepted = 0;

function baseSnapshots(): HostSnapshot[] {
  const host = generateHost({ processes: 2, segmentBytes: GIB, statusOnly: 2 });
  return [
    host,
    { ...host, mms: [] },
    { ...host, mms: host.mms.slice(2) },
    ...fc.sample(anySnapshot(), { seed: job.seed, numRuns: 5 }),
  ];
}

/** A clear error, or a snapshot as good as any; soon, and in little memory. */
function checkMutant({ how, file }: Mutant): void {
  current.write(file);
  // Time of the process, which does nothing else: others may have the CPU meanwhile.
  const start = process.cpuUsage();
  const bytes = countAllocations(() => {
    try {
      const snapshot = decodeSnapshot(file);
      assert.deepStrictEqual(decodeSnapshot(encodeSnapshot(snapshot)), snapshot);
      accepted++;
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      count(how, error);
    }
  });
  const { user, system } = process.cpuUsage(start);
  const milliseconds = (user + system) / 1000;
  assert.ok(milliseconds <= job.millisecondsMax, `took ${milliseconds} ms`);
  assert.ok(bytes <= job.bytesMax, `asked for ${bytes} bytes`);
}

function count(how: string, error: SnapshotError): void {
  const counts = refusals.get(how) ?? new Map<string, number>();
  refusals.set(how, counts);
  const what = error.message.replace(`Invalid snapshot: ${error.place}: `, '');
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

const bases = await Promise.all(
  baseSnapshots().map((snapshot) => toBase(encodeSnapshot(snapshot))),
);
const details = fc.check(fc.property(anyMutant(bases), checkMutant), {
  seed: job.seed,
  numRuns: job.runs,
});
const failure = details.failed
  ? { error: String(details.errorInstance), mutant: details.counterexample![0] }
  : undefined;
parentPort!.postMessage({ failure, accepted, refusals } satisfies FuzzResult);
