/** Where units of work are done, and how they are kept coming. */
import type { Task } from './task.ts';

/** What came of a task: a result as JSON, or why it is set aside. */
export type Outcome =
  | { readonly id: string; readonly result: string }
  | { readonly id: string; readonly why: string };

/** Tries of one task before it is set aside. */
export const TRIES_MAX = 3;
/** Times a task is taken from a worker that gives no sign of life, before it is set aside. */
export const STALLED_MAX = 3;

export interface Executor {
  /** How many tasks it can have at a time without one waiting long. */
  slots(): number;
  submit(task: Task): Promise<void>;
  /** What came of tasks since it was asked; waits until there is something, or the signal. */
  outcomes(abort: AbortSignal): Promise<readonly Outcome[]>;
  /** Where the work is done, to show. */
  about(): string;
  /** Ends what is under way. */
  close(): Promise<void>;
}

/** Where tasks come from, and what becomes of their outcomes: these may lead to more tasks. */
export interface Source {
  /** @param wanted how many more are asked for */
  next(wanted: number): Promise<Task | undefined> | Task | undefined;
  /** Called once for each task. */
  take(outcome: Outcome): Promise<void> | void;
}

/** Runs all tasks of a source; until the signal, if there is one. */
export async function runTasks(
  executor: Executor,
  source: Source,
  abort: AbortSignal,
): Promise<void> {
  const underWay = new Set<string>();
  while (!abort.aborted) {
    for (let free = executor.slots() - underWay.size; free > 0; free--) {
      const task = await source.next(free);
      if (task === undefined) break;
      underWay.add(task.id);
      await executor.submit(task);
    }
    if (underWay.size === 0) return;
    for (const outcome of await executor.outcomes(abort)) {
      if (underWay.delete(outcome.id)) await source.take(outcome);
    }
  }
}
