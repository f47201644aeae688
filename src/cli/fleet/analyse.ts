/** Files to samples, on this thread or on several. */
import { readFile, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { analyseFile } from '../../fleet/analyse.ts';
import { DatasetError } from '../../fleet/dataset_error.ts';
import type { Sample } from '../../fleet/sample.ts';
import { DEFAULT_LIMITS } from '../../snapshot/limits.ts';
import { SnapshotError } from '../../snapshot/snapshot_error.ts';
import { fileFailure } from '../failure.ts';

/** Of one file: its samples, or why it has none. */
export type Analysis = { readonly samples: readonly Sample[] } | { readonly why: string };

/** Fewer files are done before another thread has started. */
const FILES_PER_THREAD_MIN = 16;

export async function analyse(file: string): Promise<Analysis> {
  try {
    const { size } = await stat(file);
    if (size > DEFAULT_LIMITS.fileBytes) return { why: 'It is larger than any snapshot may be' };
    return { samples: analyseFile(await readFile(file)) };
  } catch (error) {
    return { why: reasonOf(file, error) };
  }
}

/** @throws error itself if it is a fault of ours */
function reasonOf(file: string, error: unknown): string {
  if (error instanceof SnapshotError || error instanceof DatasetError) return error.message;
  return fileFailure(`read ${file}`, error, '').message;
}

/**
 * Analyses all files. Results come in any order, each before the next file of its thread is begun:
 * no more of them wait than there are threads.
 */
export async function analyseAll(
  files: readonly string[],
  threads: number,
  onResult: (file: string, result: Analysis) => Promise<void>,
): Promise<void> {
  const queue = files.values();
  const lanes = Math.min(threads, Math.ceil(files.length / FILES_PER_THREAD_MIN));
  if (lanes <= 1) {
    for (const file of queue) await onResult(file, await analyse(file));
    return;
  }
  const workers: Worker[] = [];
  const lane = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.js', import.meta.url));
    workers.push(worker);
    for (const file of queue) await onResult(file, await analyseOn(worker, file));
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function analyseOn(worker: Worker, file: string): Promise<Analysis> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners();
    worker.on('error', reject);
    worker.on('message', resolve);
    worker.postMessage(file);
  });
}
