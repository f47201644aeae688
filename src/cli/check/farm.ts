/** Runs searches on several threads, one search per thread at a time. */
import { Worker } from 'node:worker_threads';
import { type ExitCode, Failure } from '../failure.ts';
import type { Job, JobEvent, JobProgress, SavedSearch, SearchResult } from './job.ts';

/** Hears what comes of job number `index`. */
export interface FarmListener {
  onProgress(index: number, progress: JobProgress): void;
  onSaved(index: number, saved: SavedSearch): void;
  onDone(index: number, result: SearchResult): void;
}

export class Farm {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #listener: FarmListener;

  /** @param abort searches under way then end with what they have seen; others are not begun */
  constructor(listener: FarmListener, abort: AbortSignal) {
    this.#listener = listener;
    abort.addEventListener('abort', () => Atomics.store(this.#stop, 0, 1));
  }

  /** @throws Failure if a scenario cannot be searched; no other search goes on then */
  async run(jobs: readonly Job[], threads: number): Promise<void> {
    const queue = [...jobs.entries()];
    const workers: Worker[] = [];
    const lane = async (): Promise<void> => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: this.#stop,
      });
      workers.push(worker);
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        if (Atomics.load(this.#stop, 0) !== 0) return;
        await this.#runOn(worker, ...next);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, lane));
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  }

  #runOn(worker: Worker, index: number, job: Job): Promise<void> {
    return new Promise((resolve, reject) => {
      worker.removeAllListeners();
      worker.on('error', reject);
      worker.on('message', (event: JobEvent) => {
        if (event.kind === 'progress') this.#listener.onProgress(index, event.progress);
        if (event.kind === 'saved') this.#listener.onSaved(index, event.saved);
        if (event.kind === 'failed') {
          reject(new Failure(event.exitCode as ExitCode, event.message, event.mend));
        }
        if (event.kind === 'done') {
          this.#listener.onDone(index, event.result);
          resolve();
        }
      });
      worker.postMessage(job);
    });
  }
}
