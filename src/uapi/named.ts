/** Constants by the names that programs write. */

export type Names = Readonly<Record<string, number>>;

/** `names` as they are written: `PROT_READ` of `{ READ: 1 }`. */
export function named<Prefix extends string, Bare extends Names>(
  prefix: Prefix,
  names: Bare,
): { readonly [Name in keyof Bare & string as `${Prefix}${Name}`]: Bare[Name] } {
  const entries = Object.entries(names).map(([name, value]) => [`${prefix}${name}`, value]);
  return Object.fromEntries(entries);
}
