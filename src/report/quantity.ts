/** Numbers as people read them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `bytes` in binary units with three digits: `17.2 GiB`, `64 KiB`, `-1.33 KiB`. */
export function formatBytes(bytes: number): string {
  const whole = Math.round(Math.abs(bytes));
  let value = whole;
  let unit = 0;
  // What rounds up to 1024 is written as 1 of the next unit.
  while (unit + 1 < UNITS.length && Number(threeDigits(value)) >= 1024) {
    value /= 1024;
    unit++;
  }
  return `${bytes < 0 && whole > 0 ? '-' : ''}${threeDigits(value)} ${UNITS[unit]}`;
}

function threeDigits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

/** A time in its unit, with three digits: `46.8 us`, `1.5 ms`, `0 us`. */
export function formatMicroseconds(us: number): string {
  if (us < 999.5) return `${threeDigits(Number(us.toPrecision(3)))} us`;
  return us < 999_500 ? `${threeDigits(us / 1e3)} ms` : `${threeDigits(us / 1e6)} s`;
}

/** `percent` with two or three digits: `97%`, `99.7%`, `7.3%`, `0.04%`. */
export function formatPercent(percent: number): string {
  const magnitude = Math.abs(percent);
  if (magnitude > 0 && magnitude < 0.01) return percent > 0 ? '<0.01%' : '>-0.01%';
  // 99.7 is not all of it, and the difference is often what a reader looks for.
  const isNearlyAll = magnitude > 99 && magnitude < 101;
  const digits = isNearlyAll ? 1 : magnitude >= 10 ? 0 : magnitude >= 1 ? 1 : 2;
  return `${Number(percent.toFixed(digits))}%`;
}

/** `1 process`, `412 processes`: English plurals of the nouns that reports use. */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith('s') ? `${noun}es` : `${noun}s`;
  return `${count} ${count === 1 ? noun : plural}`;
}

/** `part` of `whole` in percent; 0 where there is no whole. */
export function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}

/** An ISO time as `2026-01-15 10:22:31 UTC`; anything else as it is. */
export function formatTime(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, '$1 $2 UTC');
}
