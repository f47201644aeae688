/**
 * The frame around a snapshot's columns: `PAR1`, the columns, a checksum that Parquet readers skip,
 * the footer, its length, `PAR1`. All numbers are little-endian.
 *
 * The checksum covers every byte but its own four. It tells a damaged file from a forged one, whose
 * maker would compute it again: nothing is believed because of it.
 */

import { crc32 } from '../../base/crc32.ts';
import type { SnapshotLimits } from '../limits.ts';
import { Mend, SnapshotError } from '../snapshot_error.ts';

const MAGIC = 0x31524150;
const MAGIC_BYTES = 4;
export const CHECKSUM_BYTES = 4;
/** The footer's length and the second `PAR1`. */
const TAIL_BYTES = 8;
/** A row group takes 3 KB of it, and the header 3 MiB at most. */
const FOOTER_BYTES_MAX = 2 ** 22;

const PLACE = 'file';

export interface Envelope {
  /** Where the columns begin and end. */
  readonly start: number;
  readonly end: number;
  readonly footerStart: number;
  readonly footerEnd: number;
}

/** Writes the checksum into its place, at `start`. */
export function stampChecksum(bytes: Uint8Array, start: number): void {
  viewOf(bytes).setUint32(start, checksum(bytes, start), true);
}

/** @throws SnapshotError if this is no Parquet file, a damaged one, or not one of ours */
export function openEnvelope(bytes: Uint8Array, limits: SnapshotLimits): Envelope {
  if (bytes.length > limits.fileBytes) {
    throw new SnapshotError(PLACE, 'it is larger than allowed', Mend.TOO_LARGE);
  }
  const view = viewOf(bytes);
  const tailStart = bytes.length - TAIL_BYTES;
  const isParquet =
    tailStart >= MAGIC_BYTES + CHECKSUM_BYTES &&
    view.getUint32(0, true) === MAGIC &&
    view.getUint32(tailStart + MAGIC_BYTES, true) === MAGIC;
  if (!isParquet) {
    throw new SnapshotError(PLACE, 'it does not begin and end as a Parquet file', Mend.NOT_OURS);
  }
  const footerBytes = view.getUint32(tailStart, true);
  const footerStart = tailStart - footerBytes;
  const end = footerStart - CHECKSUM_BYTES;
  if (footerBytes > FOOTER_BYTES_MAX || end < MAGIC_BYTES) {
    throw new SnapshotError(PLACE, 'the length of its footer is wrong');
  }
  if (view.getUint32(end, true) !== checksum(bytes, end)) {
    throw new SnapshotError(PLACE, 'its checksum does not match: it is damaged or not a snapshot');
  }
  return { start: MAGIC_BYTES, end, footerStart, footerEnd: tailStart };
}

function checksum(bytes: Uint8Array, skipFrom: number): number {
  return crc32(bytes.subarray(skipFrom + CHECKSUM_BYTES), crc32(bytes.subarray(0, skipFrom)));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
