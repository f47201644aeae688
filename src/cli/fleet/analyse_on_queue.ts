/** Files to samples, by the workers of a cluster. */
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { decodeDataset } from '../../fleet/decode.ts';
import { Cluster } from '../jobs/cluster.ts';
import { type Outcome, runTasks } from '../jobs/executor.ts';
import { parseResult, SNAPSHOT_BYTES_MAX, taskOf } from '../jobs/task.ts';
import { TaskError } from '../jobs/task_error.ts';
import { stopOnSignals } from '../signals.ts';
import { readVersion } from '../version.ts';
import { type Analysis, analyse } from './analyse.ts';

/** Like `analyseAll()`; files that are too large to be sent are analysed here. */
export async function analyseOnQueue(
  files: readonly string[],
  url: string,
  onResult: (file: string, result: Analysis) => Promise<void>,
): Promise<void> {
  const version = readVersion();
  const cluster = await Cluster.open(url, version, randomBytes(6).toString('hex'));
  const queue = files.values();
  // Files may be the same: each task is of all that have its content.
  const filesOf = new Map<string, string[]>();
  const next = async (): Promise<ReturnType<typeof taskOf> | undefined> => {
    for (const file of queue) {
      const bytes = await bytesOf(file);
      if (bytes === undefined) {
        await onResult(file, await analyse(file));
        continue;
      }
      const task = taskOf(version, { kind: 'snapshot', file: bytes.toString('base64') });
      const same = filesOf.get(task.id);
      if (same === undefined) {
        filesOf.set(task.id, [file]);
        return task;
      }
      same.push(file);
    }
    return undefined;
  };
  const take = async (outcome: Outcome): Promise<void> => {
    const analysis = analysisOf(outcome);
    for (const file of filesOf.get(outcome.id)!) await onResult(file, analysis);
    filesOf.delete(outcome.id);
  };
  const stopping = new AbortController();
  const endOnSignal = stopOnSignals(() => stopping.abort());
  try {
    await runTasks(cluster, { next, take }, stopping.signal);
    await cluster.remove(true);
    endOnSignal();
  } finally {
    await cluster.close();
  }
}

async function bytesOf(file: string): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(file);
    return size > SNAPSHOT_BYTES_MAX ? undefined : await readFile(file);
  } catch {
    // Reported by `analyse()`.
    return undefined;
  }
}

function analysisOf(outcome: Outcome): Analysis {
  if ('why' in outcome) return { why: `No worker could analyse it: ${outcome.why}` };
  try {
    const result = parseResult(outcome.result);
    if (result.kind !== 'snapshot') throw new TaskError('This is not a result of a snapshot');
    if (result.why !== undefined) return { why: result.why };
    return { samples: decodeDataset(Buffer.from(result.samples ?? '', 'base64')) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { why: `What a worker said of it cannot be used: ${why}` };
  }
}
