/** What the bits of an entry mean, from the tables that the engine uses. */
import { EntryState, type Fields, type PteFormat, R, USER, W, X } from '../../arch/index.ts';

export interface Entry {
  readonly low: number;
  readonly high: number;
}

export interface DecodedField {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly value: bigint;
  /** Fields side by side have different ones. */
  readonly hue: number;
}

export interface Decoded {
  /** Highest first. */
  readonly fields: readonly DecodedField[];
  /** Index of `fields` for each bit, -1 where it is reserved. */
  readonly fieldOfBit: readonly number[];
  readonly meaning: readonly (readonly [string, string])[];
}

const HUES = 6;

export function parseEntry(text: string): Entry | undefined {
  const digits = text.trim().replace(/^0x/i, '').replaceAll('_', '');
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) return undefined;
  const value = BigInt(`0x${digits}`);
  return { low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) };
}

export function textOf({ low, high }: Entry): string {
  return `0x${bigintOf({ low, high }).toString(16).padStart(16, '0')}`;
}

export function toggled({ low, high }: Entry, bit: number): Entry {
  return bit < 32
    ? { low: (low ^ (1 << bit)) >>> 0, high }
    : { low, high: (high ^ (1 << (bit - 32))) >>> 0 };
}

export function bitOf({ low, high }: Entry, bit: number): number {
  return ((bit < 32 ? low : high) >>> (bit % 32)) & 1;
}

function bigintOf({ low, high }: Entry): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

export function decode(format: PteFormat, level: number, entry: Entry): Decoded {
  const { low, high } = entry;
  const state = format.state(low, high, level);
  const value = bigintOf(entry);
  const fields = Object.entries(fieldsOf(format, level, state))
    .sort(([, one], [, other]) => other[0] - one[0])
    .map(([name, [from, to]], at) => ({
      name: name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
      low: from,
      high: to,
      value: (value >> BigInt(from)) & ((1n << BigInt(to - from + 1)) - 1n),
      hue: at % HUES,
    }));
  const fieldOfBit = Array.from({ length: 64 }, (_, bit) =>
    fields.findIndex((field) => field.low <= bit && bit <= field.high),
  );
  return { fields, fieldOfBit, meaning: meaningOf(format, level, entry, state) };
}

/** What is no table is drawn as a leaf, where there may be one. */
function fieldsOf(format: PteFormat, level: number, state: EntryState): Fields {
  const isTable = state === EntryState.table || !format.mayHoldLeaf(level);
  return format.fields(level, isTable ? 'table' : 'leaf');
}

function meaningOf(
  format: PteFormat,
  level: number,
  { low, high }: Entry,
  state: EntryState,
): readonly (readonly [string, string])[] {
  switch (state) {
    case EntryState.table: {
      const table = format.table(low, high, level) * 8;
      return [
        ['Kind', `a table of level ${level - 1}`],
        ['Physical address', `0x${table.toString(16)}`],
      ];
    }
    case EntryState.leaf:
      return leafMeaning(format, level, low, high);
    case EntryState.malformed:
      return [['Kind', 'valid, but reserved by the architecture: a fault with reserved bits']];
    default:
      return [
        ['Kind', low === 0 && high === 0 ? 'nothing' : 'not present: its meaning is the kernel’s'],
      ];
  }
}

function leafMeaning(
  format: PteFormat,
  level: number,
  low: number,
  high: number,
): readonly (readonly [string, string])[] {
  const frame = format.frame(low, high, level);
  const rights = format.rights(low, high);
  const has = (right: number): boolean => (rights & right) !== 0;
  const yes = (is: boolean): string => (is ? 'yes' : 'no');
  const granted = [
    [R, 'read'],
    [W, 'write'],
    [X, 'execute'],
  ] as const;
  const words = granted.filter(([right]) => has(right)).map(([, word]) => word);
  return [
    ['Kind', level === 0 ? 'a page' : `a huge page of level ${level}`],
    ['Frame', `0x${frame.toString(16)}`],
    ['Physical address', `0x${(BigInt(frame) << BigInt(format.pageShift)).toString(16)}`],
    ['Rights', words.join(', ') || 'none'],
    ['User', yes(has(USER))],
    ['Accessed', yes(format.accessed(low, high))],
    ['Dirty', yes(format.dirty(low, high))],
    ['Global', yes(format.global(low, high))],
    ['Contiguous', yes(format.contiguous(low, high))],
  ];
}
