/** What stands in the playground, as text that fits the fragment of an address. */
import type { RaceText } from '../protocol.ts';

export interface Draft {
  readonly text: string;
  readonly format: string;
  readonly bugs: readonly string[];
}

/** A fragment may come from anybody. */
const FRAGMENT_MAX = 2 ** 17;
const BUGS_MAX = 64;

export function sourceOf({ text, format, bugs }: Draft): RaceText {
  return { kind: 'race', text, format, bugs };
}

export function encodeDraft({ text, format, bugs }: Draft): string {
  const bytes = new TextEncoder().encode(JSON.stringify([text, format, bugs]));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Nothing if it is not what `encodeDraft()` has made. */
export function decodeDraft(fragment: string): Draft | undefined {
  if (fragment.length > FRAGMENT_MAX) return undefined;
  try {
    const binary = atob(fragment.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    const data: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (!Array.isArray(data)) return undefined;
    const [text, format, bugs]: unknown[] = data;
    if (typeof text !== 'string' || typeof format !== 'string' || !Array.isArray(bugs)) {
      return undefined;
    }
    const named = bugs.filter((bug) => typeof bug === 'string').slice(0, BUGS_MAX);
    return { text, format, bugs: named };
  } catch {
    return undefined;
  }
}

/** Whether the text says what CPUs do at the same time. */
export function hasCpus(text: string): boolean {
  return /^\s*cpu\s+\d+[^:\n]*:/im.test(text);
}
