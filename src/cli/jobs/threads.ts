/** Does work on threads: one task on each, tried again if its thread dies. */
import { Worker } from 'node:worker_threads';
import { type Executor, type Outcome, TRIES_MAX } from './executor.ts';
import { type Task, TaskError } from './task.ts';

type Answer = { readonly result: string } | { readonly why: string };

/** Threads that are started when they are needed. */
export class ThreadPool {
  readonly #version: string;
  readonly #idle: Worker[] = [];
  readonly #busy = new Set<Worker>();

  constructor(version: string) {
    this.#version = version;
  }

  /**
   * @returns the result as JSON
   * @throws TaskError if the task is none; another error if the thread died of it
   */
  async run(text: string): Promise<string> {
    const worker = this.#idle.pop() ?? this.#start();
    this.#busy.add(worker);
    try {
      const answer = await ask(worker, text);
      this.#idle.push(worker);
      if ('result' in answer) return answer.result;
      throw new TaskError(answer.why);
    } finally {
      this.#busy.delete(worker);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle, ...this.#busy].map((worker) => worker.terminate()));
  }

  #start(): Worker {
    return new Worker(new URL('./thread.js', import.meta.url), { workerData: this.#version });
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

export class Threads implements Executor {
  readonly #threads: number;
  readonly #pool: ThreadPool;
  readonly #outcomes: Outcome[] = [];
  #wake: () => void = () => {};

  constructor(version: string, threads: number) {
    this.#threads = threads;
    this.#pool = new ThreadPool(version);
  }

  slots(): number {
    return this.#threads;
  }

  async submit(task: Task): Promise<void> {
    void this.#work(task).then((outcome) => {
      this.#outcomes.push(outcome);
      this.#wake();
    });
  }

  async outcomes(abort: AbortSignal): Promise<readonly Outcome[]> {
    if (this.#outcomes.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = (): void => {
          abort.removeEventListener('abort', this.#wake);
          resolve();
        };
        abort.addEventListener('abort', this.#wake);
      });
    }
    return this.#outcomes.splice(0);
  }

  about(): string {
    return `${this.#threads} threads`;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #work({ id, text }: Task): Promise<Outcome> {
    let why = '';
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        return { id, result: await this.#pool.run(text) };
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
        if (error instanceof TaskError) break;
      }
    }
    return { id, why };
  }
}
