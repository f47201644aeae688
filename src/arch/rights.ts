/**
 * What an entry says about a page besides its frame, in words that all architectures share.
 *
 * Inside, a right is kept apart for user mode and for privileged mode: six *grants*. Each level of
 * a walk can only take grants away, on every architecture, so a walk ANDs them and asks for the
 * rights at the end.
 */
import type { Field } from './fields.ts';

/** Of user mode where `USER` is set, of privileged mode where it is not. */
export const R = 1;
export const W = 2;
export const X = 4;
export const USER = 8;
export const ACCESSED = 16;
export const DIRTY = 32;
/** Survives a switch of address spaces in the TLB. */
export const GLOBAL = 64;
/** One of a run of entries that a TLB may hold as one (arm64). */
export const CONTIGUOUS = 128;
/** Write-protected for userfaultfd, which the hardware does not know of (x86-64, arm64). */
export const UFFD_WP = 256;

/** Any set of the bits above. */
export type LeafFlags = number;
/** Any set of `R | W | X | USER`. */
export type Rights = number;
export const ALL_LEAF_FLAGS = 511;

/** Grants of user mode are the bits `R | W | X`; those of privileged mode are three bits higher. */
export type Grants = number;
const PRIVILEGED_SHIFT = 3;
export const ALL_GRANTS = 63;
/** Not a grant: marks bits that the architecture reserves, so that such an entry is malformed. */
export const REFUSED = 64;

export const grants = (user: Rights, privileged: Rights): Grants =>
  user | (privileged << PRIVILEGED_SHIFT);

/** From the right of user mode to write to that of privileged mode to execute. */
const DENIED_SHIFT = 4;

/**
 * What is left of the grants of a leaf and of the tables above it, ANDed.
 *
 * @param denying `W` where what user mode may write is never executed in privileged mode, else 0
 */
export function effectiveGrants(granted: Grants, denying: Grants): Grants {
  return granted & ~((granted & denying) << DENIED_SHIFT);
}

const RIGHTS_OF_GRANTS = Uint8Array.from({ length: ALL_GRANTS + 1 }, (_, held) => {
  const user = held & (R | W | X);
  return user === 0 ? held >>> PRIVILEGED_SHIFT : user | USER;
});

export function rightsOfGrants(held: Grants): Rights {
  return RIGHTS_OF_GRANTS[held & ALL_GRANTS]!;
}

/** Where an entry keeps its rights: neighbouring bits of each lane, or none. */
export interface GrantBits {
  readonly low?: Field;
  readonly high?: Field;
  /** Called at load for every value of the two fields, given from bit 0. */
  grants(low: number, high: number): Grants;
}

/** Grants of an entry by table, so that every architecture takes the same path. */
export class GrantTable {
  readonly #lowShift: number;
  readonly #lowMask: number;
  readonly #highShift: number;
  readonly #highMask: number;
  readonly #lowBits: number;
  readonly #table: Uint8Array;

  constructor({ low, high, grants: decode }: GrantBits) {
    this.#lowBits = low === undefined ? 0 : low[1] - low[0] + 1;
    this.#lowShift = low?.[0] ?? 0;
    this.#lowMask = (1 << this.#lowBits) - 1;
    this.#highShift = high === undefined ? 0 : high[0] - 32;
    this.#highMask = high === undefined ? 0 : (1 << (high[1] - high[0] + 1)) - 1;
    this.#table = Uint8Array.from(
      { length: (this.#lowMask + 1) * (this.#highMask + 1) },
      (_, index) => decode(index & this.#lowMask, index >>> this.#lowBits),
    );
  }

  of(low: number, high: number): Grants {
    const lowPart = (low >>> this.#lowShift) & this.#lowMask;
    const highPart = (high >>> this.#highShift) & this.#highMask;
    return this.#table[lowPart | (highPart << this.#lowBits)]!;
  }
}
