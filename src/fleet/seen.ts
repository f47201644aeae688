/** Which samples were there already: a snapshot may also be in a dataset. */
export class SeenSamples {
  readonly #times = new Map<string, Set<number>>();

  /** @returns whether it is new, and from now on it is not */
  add({ hostname, takenAt }: { readonly hostname: string; readonly takenAt: string }): boolean {
    const times = this.#times.get(hostname) ?? new Set();
    this.#times.set(hostname, times);
    const size = times.size;
    return times.add(Date.parse(takenAt)).size > size;
  }
}
