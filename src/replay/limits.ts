/** What a recording may ask for: it may come from anybody. */
export const LIMITS = {
  /** Characters of a line. */
  lineLength: 2 ** 20,
  /** Arguments of a call, and how deep their structures nest. */
  arguments: 64,
  depth: 64,
  /** Threads and processes at a time. */
  threads: 2 ** 16,
  /** Open descriptors of a process. */
  descriptors: 2 ** 16,
  /** Lines of processes of which it is not known yet whose children they are. */
  heldLines: 2 ** 16,
  /** Calls that wait until it is known where their address space begins. */
  waitingCalls: 2 ** 14,
  /** Calls of several threads that overlap, and are put in order together. */
  overlappingCalls: 256,
  /** Findings and skipped lines that are kept; all are counted. */
  listed: 1000,
  /** Bytes of an ELF file's program headers. */
  elfBytes: 2 ** 20,
} as const;
