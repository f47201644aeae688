/**
 * Runs searches on several threads. Each begins with one search; a thread that finds none left takes
 * parts of one that another thread is at.
 *
 * Threads are kept: what an engine has learnt about a program while it ran it makes it many times
 * faster. A unit ends only when another thread has nothing to do, and never after a number of
 * executions: going on costs an execution or two. Where the first parts turn out to be of a few
 * executions each, it costs more to hand them out than to search them: one thread goes on alone, and
 * parts are tried again after many times what that took.
 */
import type { Worker } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import type { Estimate, Part, Scenario } from '../../check/index.ts';
import { startThread } from '../computing_thread.ts';
import { type ExitCode, Failure } from '../failure.ts';
import type { Job, Order, SavedSearch, SearchResult, Unit, UnitEvent, UnitResult } from './job.ts';
import { Running } from './running.ts';
import { scenarioOf } from './subject.ts';
import { HUNGRY } from './unit.ts';

const SAVE_MS = 500;
/** A search that takes as long may be shared: a thread that has nothing to do is started. */
const START_MS = 200;
/** A search that takes as long is worth a guess how long it will take. */
const ESTIMATE_AFTER_MS = 1000;

/** Executions of a search, those under way included. */
export interface SearchProgress {
  readonly executions: number;
  readonly deepest: number;
  /** Of the whole. */
  readonly estimate?: Estimate;
}

/** Hears what comes of job number `index`. */
export interface FarmListener {
  onProgress(index: number, progress: SearchProgress): void;
  onSaved(index: number, saved: SavedSearch): void;
  onDone(index: number, result: SearchResult): void;
}

interface Work {
  readonly running: Running;
  readonly parts: readonly Part[];
}

export class Farm {
  readonly #listener: FarmListener;
  readonly #abort: AbortSignal;
  /** How many threads have nothing to do, then of each job whether it is to stop. */
  #shared = new Int32Array(new SharedArrayBuffer(0));
  #queue: [number, Job][] = [];
  readonly #running = new Set<Running>();
  readonly #scenarios = new Map<Running, Promise<Scenario>>();
  readonly #timers = new Map<Running, NodeJS.Timeout>();
  readonly #workers: Worker[] = [];
  /** Of each thread under way, how far it is. */
  readonly #told = new Map<Work, SearchProgress>();
  #idle: (() => void)[] = [];
  /** Those that have not ended, idle or not. */
  #lanes = 0;

  /** @param abort searches under way then end with what they have seen; others are not begun */
  constructor(listener: FarmListener, abort: AbortSignal) {
    this.#listener = listener;
    this.#abort = abort;
  }

  /** @throws Failure if a scenario cannot be searched; no other search goes on then */
  async run(jobs: readonly Job[], threads: number): Promise<void> {
    this.#queue = [...jobs.entries()];
    this.#shared = new Int32Array(new SharedArrayBuffer(4 * (1 + jobs.length)));
    const stop = (): void => {
      for (const running of this.#running) this.#stop(running, 'signal');
    };
    this.#abort.addEventListener('abort', stop);
    this.#lanes = threads;
    try {
      await Promise.all(Array.from({ length: threads }, () => this.#lane()));
    } finally {
      this.#abort.removeEventListener('abort', stop);
      for (const timer of this.#timers.values()) clearTimeout(timer);
      await Promise.all(this.#workers.map((worker) => worker.terminate()));
    }
  }

  async #lane(): Promise<void> {
    let worker: Worker | undefined;
    for (;;) {
      const work = await this.#next();
      if (work !== undefined) {
        worker ??= this.#newWorker();
        await this.#do(worker, work);
      } else if (this.#running.size === 0) {
        this.#lanes--;
        this.#wake();
        return;
      } else {
        assert(this.#idle.length + 1 < this.#lanes, 'a search that is not over has work');
        const timer = setTimeout(() => {
          worker ??= this.#prepareWorker();
        }, START_MS);
        await this.#wait();
        clearTimeout(timer);
      }
    }
  }

  /** What is left of searches that have begun comes first. */
  async #next(): Promise<Work | undefined> {
    for (const running of this.#running) {
      const parts = running.take(this.#lanes, this.#free());
      if (parts.length > 0) return { running, parts };
      // Stopped between two units of it.
      if (running.isOver) this.#end(running);
    }
    const next = this.#abort.aborted ? undefined : this.#queue.shift();
    if (next === undefined) return undefined;
    const [index, job] = next;
    const running = await Running.open(job, index, () => scenarioOf(job.subject));
    this.#begin(running);
    const parts = running.take(this.#lanes, this.#free());
    if (parts.length > 0) return { running, parts };
    this.#end(running);
    return this.#next();
  }

  /** Lanes that have no unit. */
  #free(): number {
    return [...this.#running].reduce((free, { underWay }) => free - underWay, this.#lanes);
  }

  #begin(running: Running): void {
    const { timeoutSeconds } = running.job;
    this.#running.add(running);
    if (timeoutSeconds === undefined) return;
    const timer = setTimeout(() => this.#stop(running, 'timeout'), timeoutSeconds * 1000);
    this.#timers.set(running, timer);
  }

  #stop(running: Running, reason: 'timeout' | 'signal'): void {
    running.stop(reason);
    Atomics.store(this.#shared, 1 + running.index, 1);
    this.#wake();
  }

  async #do(worker: Worker, work: Work): Promise<void> {
    const { running, parts } = work;
    const result = await this.#ask(worker, work);
    running.add(parts, result);
    this.#told.delete(work);
    // Whoever searches other parts of it need not go on.
    if (running.hasFound) Atomics.store(this.#shared, 1 + running.index, 1);
    if (running.isOver) {
      this.#end(running);
      return;
    }
    if (running.job.isSaved) this.#listener.onSaved(running.index, running.save());
    if (this.#idle.length === 0 || running.job.shareAfterMs === undefined) return;
    await running.share(() => this.#scenarioOf(running));
    this.#wake();
  }

  /** Searches know of each other what is their own: one scenario on this thread for each. */
  #scenarioOf(running: Running): Promise<Scenario> {
    const known = this.#scenarios.get(running) ?? scenarioOf(running.job.subject);
    this.#scenarios.set(running, known);
    return known;
  }

  #end(running: Running): void {
    this.#running.delete(running);
    this.#scenarios.delete(running);
    clearTimeout(this.#timers.get(running));
    this.#timers.delete(running);
    this.#listener.onDone(running.index, running.result());
    this.#wake();
  }

  /** Until there may be something to do. */
  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      Atomics.store(this.#shared, HUNGRY, this.#idle.length);
    });
  }

  #wake(): void {
    const idle = this.#idle;
    this.#idle = [];
    Atomics.store(this.#shared, HUNGRY, 0);
    for (const resolve of idle) resolve();
  }

  /** A thread for a search that is under way, if one may be shared. */
  #prepareWorker(): Worker | undefined {
    const running = [...this.#running].find(({ job }) => job.shareAfterMs !== undefined);
    if (running === undefined) return undefined;
    const worker = this.#newWorker();
    order(worker, { kind: 'prepare', subject: running.job.subject });
    return worker;
  }

  #newWorker(): Worker {
    const worker = startThread(new URL('./worker.js', import.meta.url), this.#shared);
    this.#workers.push(worker);
    return worker;
  }

  #ask(worker: Worker, work: Work): Promise<UnitResult> {
    return new Promise((resolve, reject) => {
      worker.removeAllListeners();
      worker.on('error', reject);
      worker.on('message', (event: UnitEvent) => {
        if (event.kind === 'progress') {
          this.#told.set(work, event);
          this.#tell(work.running);
        }
        if (event.kind === 'estimate') work.running.estimate = event.estimate;
        if (event.kind === 'failed') {
          reject(new Failure(event.exitCode as ExitCode, event.message, event.mend));
        }
        if (event.kind === 'done') resolve(event.result);
      });
      order(worker, { kind: 'unit', unit: unitOf(work) });
    });
  }

  #tell(running: Running): void {
    let { executions, deepest } = running.figures;
    for (const [work, told] of this.#told) {
      if (work.running !== running) continue;
      executions += told.executions;
      deepest = Math.max(deepest, told.deepest);
    }
    const { estimate } = running;
    this.#listener.onProgress(running.index, {
      executions,
      deepest,
      ...(estimate && { estimate }),
    });
  }
}

function order(worker: Worker, order: Order): void {
  worker.postMessage(order);
}

function unitOf({ running, parts }: Work): Unit {
  const { subject, strategy, isSaved, shareAfterMs } = running.job;
  const { executionsLeft, patienceMs } = running;
  const isWhole = parts[0]!.path.steps.length === 0;
  const isEstimated = strategy === 'optimal' && (isWhole || running.isGuessDue);
  running.isGuessDue = false;
  return {
    stop: 1 + running.index,
    subject,
    strategy,
    parts,
    ...(executionsLeft !== undefined && { executionsMax: executionsLeft }),
    ...(isSaved ? { ms: SAVE_MS } : isEstimated && isWhole && { ms: ESTIMATE_AFTER_MS }),
    isEstimated,
    ...(shareAfterMs !== undefined && {
      shareAfterMs: Math.max(shareAfterMs - running.seconds * 1000, patienceMs),
    }),
  };
}
