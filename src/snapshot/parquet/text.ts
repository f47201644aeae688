/** UTF-8 as it is: hyparquet's own decoder drops a leading U+FEFF and replaces what is not UTF-8. */

/** Of the WHATWG Encoding Standard: in Node and browsers alike, but in no ECMAScript `lib`. */
declare const TextDecoder: new (
  label: string,
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @returns undefined if the bytes are not UTF-8 */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
