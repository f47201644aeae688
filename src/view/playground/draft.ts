/** What stands in the playground, as text that fits the fragment of an address. */
import type { RaceText } from '../protocol.ts';

export interface Draft {
  readonly text: string;
  readonly format: string;
  readonly bugs: readonly string[];
  /** `DesignItem.id` */
  readonly design: string;
  /** Of a script: a race has as many as it has sections. */
  readonly cpus: number;
}

/** A fragment may come from anybody. */
const FRAGMENT_MAX = 2 ** 17;
const BUGS_MAX = 64;
const NAME_MAX = 64;
export const CPUS_MAX = 16;
export const NO_DESIGN = 'none';
export const CPUS_USUAL = 4;

export function sourceOf({ text, format, bugs, design, cpus }: Draft): RaceText {
  return { kind: 'race', text, format, bugs, design, cpus };
}

export function encodeDraft({ text, format, bugs, design, cpus }: Draft): string {
  const bytes = new TextEncoder().encode(JSON.stringify([text, format, bugs, design, cpus]));
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
    // Addresses from before there were designs end with the bugs.
    const [text, format, bugs, design = NO_DESIGN, cpus = CPUS_USUAL]: unknown[] = data;
    if (typeof text !== 'string' || !isName(format) || !Array.isArray(bugs)) return undefined;
    if (!isName(design) || !isCount(cpus)) return undefined;
    return { text, format, bugs: bugs.filter(isName).slice(0, BUGS_MAX), design, cpus };
  } catch {
    return undefined;
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= NAME_MAX;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= CPUS_MAX;
}

/** Whether the text says what CPUs do at the same time. */
export function hasCpus(text: string): boolean {
  return /^\s*cpu\s+\d+[^:\n]*:/im.test(text);
}
