/** Keeps a long capture answering: to Ctrl-C, to timers, to its own time budget. */

/** How long the event loop may wait: a progress line moves, a key press feels immediate. */
const SLICE_MS = 16;

/** Thrown by `pauseWithinBudget()`. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent';
}

export class Pacer {
  readonly #signal: AbortSignal | undefined;
  #deadline: number;
  #sliceEnd = performance.now() + SLICE_MS;

  /** @param budgetSeconds from now; Infinity for no budget */
  constructor(budgetSeconds: number, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#deadline = performance.now() + budgetSeconds * 1000;
  }

  /** Whether to pause. Cheap enough to ask after every system call. */
  get isDue(): boolean {
    return performance.now() >= this.#sliceEnd;
  }

  get isBudgetSpent(): boolean {
    return performance.now() >= this.#deadline;
  }

  /** Leaves no more than `seconds` from now. */
  limitBudget(seconds: number): void {
    this.#deadline = Math.min(this.#deadline, performance.now() + seconds * 1000);
  }

  /** @throws the reason of the abort signal */
  throwIfAborted(): void {
    this.#signal?.throwIfAborted();
  }

  /**
   * Lets the event loop run.
   *
   * @throws the reason of the abort signal
   */
  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.throwIfAborted();
    this.#sliceEnd = performance.now() + SLICE_MS;
  }

  /** @throws BudgetSpent, or the reason of the abort signal */
  async pauseWithinBudget(): Promise<void> {
    await this.pause();
    if (this.isBudgetSpent) throw new BudgetSpent('The time budget is spent');
  }
}
