/**
 * When the next sample may be taken, so that watching takes no more than its share of a CPU, not even
 * when that sample has just been paid for. A host where a sample costs more is looked at less often.
 */
export class Pace {
  readonly #everyMs: number;
  readonly #share: number;
  /** The CPU time so far is the share of the time up to here. */
  #paidUntilMs: number;
  #cpuMs = 0;

  /**
   * @param share of one CPU, above 0
   * @param startedMs when the process started, whose CPU time counts
   */
  constructor(everyMs: number, share: number, startedMs: number) {
    this.#everyMs = everyMs;
    this.#share = share;
    this.#paidUntilMs = startedMs;
  }

  /**
   * @param beganMs when the last sample began
   * @param cpuMs CPU time of this process up to now
   * @param sampleCpuMs what of it the last sample took, as the next one may
   * @returns when the next one may begin
   */
  next(beganMs: number, cpuMs: number, sampleCpuMs: number): number {
    // What was not used is not saved up for longer than one interval.
    const from = Math.max(this.#paidUntilMs, beganMs - this.#everyMs);
    this.#paidUntilMs = from + (cpuMs - this.#cpuMs) / this.#share;
    this.#cpuMs = cpuMs;
    return Math.max(beganMs + this.#everyMs, this.#paidUntilMs + sampleCpuMs / this.#share);
  }
}
