/** What a program asks of the MMU, and what it hears when the answer is no. */
import { R, W, X } from '../arch/index.ts';

/**
 * The kind of an access is the one grant that it needs (`arch/rights.ts`): `R`, `W` or `X` in user
 * mode, three bits higher in privileged mode.
 */
export const Access = {
  load: R,
  store: W,
  fetch: X,
  privilegedLoad: R << 3,
  privilegedStore: W << 3,
  privilegedFetch: X << 3,
} as const;
export type Access = (typeof Access)[keyof typeof Access];

export const USER_ACCESSES = R | W | X;
export const LOADS = Access.load | Access.privilegedLoad;
export const STORES = Access.store | Access.privilegedStore;

/** Why there is no frame. Frames are not negative, so that one number holds either. */
export const Fault = {
  /** A bit of the address that must equal its neighbours does not, or no root covers it. */
  notCanonical: -1,
  notPresent: -2,
  /** A bit is set that the architecture reserves, or a table lies outside of memory. */
  reserved: -3,
  /** The entry is not marked accessed, and the hardware leaves that to software. */
  accessFlag: -4,
  /** A store to a page that is not marked dirty, and the hardware leaves that to software. */
  dirtyFlag: -5,
  /** The mode, user or privileged, has no right to the page at all. */
  mode: -6,
  read: -7,
  write: -8,
  execute: -9,
} as const;
export type Fault = (typeof Fault)[keyof typeof Fault];

/** The fault of an access that `granted` does not allow. */
export function protectionFault(granted: number, kind: Access): Fault {
  const ofMode = (kind & USER_ACCESSES) !== 0 ? USER_ACCESSES : USER_ACCESSES << 3;
  if ((granted & ofMode) === 0) return Fault.mode;
  if ((kind & LOADS) !== 0) return Fault.read;
  return (kind & STORES) !== 0 ? Fault.write : Fault.execute;
}
