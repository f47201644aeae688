/** Does work on this thread. */
import type { Executor, Outcome } from './executor.ts';
import { perform } from './perform.ts';
import type { Task } from './task.ts';
import { TaskError } from './task_error.ts';

export class InProcess implements Executor {
  readonly #version: string;
  #task: Task | undefined;

  constructor(version: string) {
    this.#version = version;
  }

  slots(): number {
    return 1;
  }

  async submit(task: Task): Promise<void> {
    this.#task = task;
  }

  async outcomes(): Promise<readonly Outcome[]> {
    // Signals are heard between two tasks.
    await new Promise((resolve) => setImmediate(resolve));
    const { id, text } = this.#task!;
    try {
      return [{ id, result: perform(text, this.#version) }];
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      return [{ id, why: error.message }];
    }
  }

  about(): string {
    return 'in this process';
  }

  async close(): Promise<void> {}
}
