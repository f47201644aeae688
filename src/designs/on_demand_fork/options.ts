/** On-demand-fork as published, and COW-PTE as posted. */

export interface Options {
  /**
   * Whose the pages and the table are while it is shared: `each` of those who have it, or its `owner`,
   * who had it before the fork, and nobody when that one has left (COW-PTE).
   */
  readonly counts: 'each' | 'owner';
}

/** @source On-demand-fork, EuroSys 2021 */
export const ON_DEMAND_FORK: Options = { counts: 'each' };

/** @source Chih-En Lin, "Introduce Copy-On-Write to Page Table", RFC of May 2022 to v4 of February 2023 */
export const COW_PTE: Options = { counts: 'owner' };
