import { SnapshotError } from '../snapshot_error.ts';

/**
 * A size or position out of Thrift. hyparquet's types are hopes: in the file, a number may have any
 * type and any sign.
 *
 * @throws SnapshotError
 */
export function natural(value: unknown, place: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  throw new SnapshotError(place, 'a size or a position is not a number');
}
