/** How much a snapshot may ask for. A file is a stranger's, so nothing of it is believed. */

export interface SnapshotLimits {
  readonly fileBytes: number;
  /** Pages of the file after decompression, all together. */
  readonly decodedBytes: number;
  readonly rows: number;
  /** Address spaces and their sharers. */
  readonly processes: number;
  /** Different names, paths, command lines, labels and inodes. */
  readonly texts: number;
  /** UTF-16 units of them all, repetitions by processes, mappings and objects counted. */
  readonly textLength: number;
}

/**
 * Four times the rows of 15,000 processes with 68 mappings each. The most expensive files that were
 * found, at the limits of rows, texts and processes, take 20 s on a busy machine and 1.7 GB.
 */
export const DEFAULT_LIMITS: SnapshotLimits = {
  fileBytes: 2 ** 30,
  decodedBytes: 2 ** 30,
  rows: 2 ** 22,
  processes: 2 ** 18,
  texts: 2 ** 22,
  textLength: 2 ** 27,
};

/** The longest single text, in UTF-16 units: Linux takes 6 MiB of arguments at most. */
export const TEXT_LENGTH_MAX = 2 ** 23;
