/** `/proc/meminfo`, and the one-word files of `/sys` that go with it. */

/**
 * @returns bytes by field name; fields without a unit, such as `HugePages_Total`, as they are.
 *          Lines of another form are left out: the file grows with every kernel
 */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  const fields = new Map<string, number>();
  for (const match of text.matchAll(/^([\w()]+): +(\d{1,15})( kB)?$/gm)) {
    fields.set(match[1]!, Number(match[2]) * (match[3] === undefined ? 1 : 1024));
  }
  return fields;
}

/** The chosen word of `always [madvise] never`; undefined if none is bracketed. */
export function bracketedWord(text: string): string | undefined {
  return /\[(\w+)\]/.exec(text)?.[1];
}
