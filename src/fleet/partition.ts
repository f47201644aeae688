/** Where a sample is in a dataset: `host=NAME/day=YYYY-MM-DD/`, as Hive, Spark and DuckDB have it. */

/** Bytes a file name may have, less `host=`. */
const NAME_BYTES_MAX = 240;

/** The folder of a host. What a file name must not have is written as `%2F`. */
export function hostFolder(hostname: string): string {
  // A dot or nothing would be another folder; Hive writes nothing as a word of its own.
  const name = hostname.replace(/[^\w.~-]/gu, percentEncoded).replace(/^\.+$/, dots);
  if (name.length > NAME_BYTES_MAX) throw new RangeError('The name of the host is too long');
  return `host=${name || '__HIVE_DEFAULT_PARTITION__'}`;
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
