/** One kind of page-table entry, as data and as masks. */
import { type Field, type Fields, type FieldValues, type Lanes, maskOf, pack } from './fields.ts';

/** One kind of entry at one level. A bit that no field names is reserved: it must be zero. */
export interface EntryKind {
  readonly fields: Fields;
  /** The field with the frame of a leaf, or the address of a table. */
  readonly target: Field;
  /** Values that tell this kind from others; an entry without them is not of this kind. */
  readonly type: FieldValues;
  /** What a maker sets besides; of a table, the values with which it takes no right away. */
  readonly preset?: FieldValues;
}

/** The masks of an `EntryKind`; where there is none, no entry is of the kind. */
export class Kind {
  readonly exists: boolean;
  readonly fields: Fields;
  /** An entry is of the kind if these bits have these values: the type, and zeros where reserved. */
  readonly maskLow: number;
  readonly maskHigh: number;
  readonly valueLow: number;
  readonly valueHigh: number;
  readonly targetLow: number;
  readonly targetHigh: number;
  /** What a maker sets besides the target. */
  readonly madeLow: number;
  readonly madeHigh: number;

  constructor(kind: EntryKind | undefined) {
    this.exists = kind !== undefined;
    this.fields = kind?.fields ?? {};
    const type = pack(this.fields, kind?.type ?? {});
    const typeMask = maskOf(...Object.keys(kind?.type ?? {}).map((name) => this.fields[name]!));
    const named = maskOf(...Object.values(this.fields));
    const target = kind === undefined ? NOTHING : maskOf(kind.target);
    const made = pack(this.fields, { ...kind?.type, ...kind?.preset });
    this.maskLow = this.exists ? typeMask.low | ~named.low : 0;
    this.maskHigh = this.exists ? typeMask.high | ~named.high : 0;
    this.valueLow = this.exists ? type.low : UNREACHABLE;
    this.valueHigh = type.high;
    this.targetLow = target.low;
    this.targetHigh = target.high;
    this.madeLow = made.low;
    this.madeHigh = made.high;
  }

  matches(low: number, high: number): boolean {
    const lowDiffers = (low & this.maskLow) ^ this.valueLow;
    return (lowDiffers | ((high & this.maskHigh) ^ this.valueHigh)) === 0;
  }
}

const NOTHING: Lanes = { low: 0, high: 0 };
/** No bits under a mask of 0 have this value. */
const UNREACHABLE = 1;
