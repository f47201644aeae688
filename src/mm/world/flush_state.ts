/** What is to be flushed, by whom, and who need not be asked: parts of the state of a world. */
import type { WorldSize } from './world_size.ts';

export interface FlushState {
  /** By address space: gathers under way, whose flushes are to come. Object: `flushPending`. */
  readonly pending: Int32Array;
  /** Pages of it that batches of reclaim have taken, and of how many nobody has to ask any more. */
  readonly batches: Int32Array;
  /** Object of both: `flushBatched`. */
  readonly batchesFlushed: Int32Array;
  /** Own data of each CPU: CPUs that may use what it has unmapped in this batch (tlb_ubc). */
  readonly batchCpus: Int32Array;
  /** Own data of each CPU: 1 if its gather has unlinked tables. */
  readonly gatherUnlinked: Int32Array;
  /** What a CPU says that it runs (cpu_tlbstate), and whether lazily: 1 or 0. Object: `tlbState`. */
  readonly loadedMm: Int32Array;
  readonly lazyTlb: Int32Array;
  /** The address space whose tables the hardware of a CPU walks. Object: its TLB. */
  readonly walkedMm: Int32Array;
}

/** @param words makes an array a part of the state */
export function newFlushState(
  words: (count: number) => Int32Array,
  { cpus, mms, switches }: WorldSize,
): FlushState {
  const switching = switches ? cpus : 0;
  return {
    pending: words(mms),
    batches: words(mms),
    batchesFlushed: words(mms),
    batchCpus: words(cpus),
    gatherUnlinked: words(cpus),
    loadedMm: words(switching).fill(-1),
    lazyTlb: words(switching),
    walkedMm: words(switching).fill(-1),
  };
}
