/** Threads that compute as long as they live, as many of them as there are CPUs. */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/**
 * Starts one.
 *
 * V8 collects the garbage of a thread with four helpers, tens of times a second. Where each CPU has a
 * thread of its own, helpers of one interrupt the other: two search 2 % more without them, and one
 * alone loses nothing.
 *
 * @param workerData what it finds under this name
 */
export function startThread(url: URL, workerData?: unknown): Worker {
  setFlagsFromString('--no-parallel-scavenge');
  return new Worker(url, { workerData });
}
