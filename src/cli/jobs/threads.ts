/** Does work on threads, one task on each. */
import { Worker } from 'node:worker_threads';
import { TaskError } from './task_error.ts';

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
