/** Where a sample is in a dataset: `host=NAME/day=YYYY-MM-DD/`, as Hive, Spark and DuckDB have it. */
import { assert } from '../base/assert.ts';

/** Bytes a file name may have, less `host=`. */
const NAME_BYTES_MAX = 240;

/** Whether a host can be called so: Linux allows 64 bytes, which fit in a file name. */
export function isHostName(name: string): boolean {
  return !/\p{Surrogate}/u.test(name) && encoded(name).length <= NAME_BYTES_MAX;
}

/**
 * The folder of a host. What a file name must not have is written as `%2F`.
 *
 * @param hostname one that `isHostName()` accepts
 */
export function hostFolder(hostname: string): string {
  assert(isHostName(hostname), 'the name of a host fits in a file name');
  return `host=${encoded(hostname) || '__HIVE_DEFAULT_PARTITION__'}`;
}

/** A dot or two would be another folder; Hive writes nothing as a word of its own. */
function encoded(name: string): string {
  return name.replace(/[^\w.~-]/gu, percentEncoded).replace(/^\.+$/, dots);
}

function percentEncoded(character: string): string {
  return encodeURIComponent(character).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function dots(name: string): string {
  return '%2E'.repeat(name.length);
}

/** The day of a sample, in UTC. @param takenAt ISO 8601 */
export function dayOf(takenAt: string): string {
  return takenAt.slice(0, 10);
}

export function dayFolder(takenAt: string): string {
  return `day=${dayOf(takenAt)}`;
}
