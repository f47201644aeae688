/** Does work on threads, one task on each. */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../computing_thread.ts';
import { TaskError } from './task_error.ts';

/** How long a task goes on before it is asked to end. */
const PATIENCE_MS = 100;

type Answer = { readonly result: string } | { readonly why: string };

/** What a thread is started with. */
export interface ThreadData {
  readonly version: string;
  /** One word: not 0, if somebody has nothing to do until the task under way ends. */
  readonly hungry: Int32Array;
}

interface Thread {
  readonly worker: Worker;
  readonly hungry: Int32Array;
  /** Of its task. */
  job: string;
  begun: number;
}

/** Threads that are started when they are needed. */
export class ThreadPool {
  readonly #version: string;
  readonly #idle: Thread[] = [];
  readonly #busy = new Set<Thread>();

  constructor(version: string) {
    this.#version = version;
  }

  /**
   * @returns the result as JSON
   * @throws TaskError if the task is none; another error if the thread died of it
   */
  async run(text: string, job = ''): Promise<string> {
    const thread = this.#idle.pop() ?? this.#start();
    thread.job = job;
    thread.begun = performance.now();
    Atomics.store(thread.hungry, 0, 0);
    this.#busy.add(thread);
    try {
      const answer = await ask(thread.worker, text);
      this.#idle.push(thread);
      if ('result' in answer) return answer.result;
      throw new TaskError(answer.why);
    } finally {
      this.#busy.delete(thread);
    }
  }

  /** Searches of a job that have gone on for a while end, and say what is left. */
  hurry(job: string): void {
    const begunUntil = performance.now() - PATIENCE_MS;
    for (const thread of this.#busy) {
      if (thread.job === job && thread.begun <= begunUntil) Atomics.store(thread.hungry, 0, 1);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle, ...this.#busy].map(({ worker }) => worker.terminate()));
  }

  #start(): Thread {
    const hungry = new Int32Array(new SharedArrayBuffer(4));
    const workerData: ThreadData = { version: this.#version, hungry };
    const worker = startThread(new URL('./thread.js', import.meta.url), workerData);
    return { worker, hungry, job: '', begun: 0 };
  }
}

function ask(worker: Worker, text: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number): void => reject(new Error(`its thread ended with ${code}`));
    worker.once('error', reject);
    worker.once('exit', ended);
    worker.once('message', (answer: Answer) => {
      worker.off('error', reject);
      worker.off('exit', ended);
      resolve(answer);
    });
    worker.postMessage(text);
  });
}
