/** How calls are described: one table serves checking, performing, printing, help and completion. */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { asAddress, asLength, asNumber, type Form } from '../constants.ts';
import { describeErrno } from '../errno.ts';
import type { Value } from '../language/evaluate.ts';
import type { Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';

export interface Parameter {
  readonly name: string;
  readonly isString?: true;
  readonly form: Form;
  /** What it is where it is left out; without this it must be there. */
  readonly fallback?: Value;
}

export type Group = 'System calls' | 'Touching memory' | 'Processes' | 'Looking';

export interface CallSpec {
  readonly name: string;
  readonly group: Group;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /**
   * Gets the arguments in order, numbers as 64 bits.
   *
   * @throws ScriptError where nothing of the kind can be done
   */
  perform(session: Session, ...values: never[]): Outcome;
}

export const address = (name = 'address'): Parameter => ({ name, form: asAddress });
export const length = (name = 'length'): Parameter => ({ name, form: asLength });
export const number = (name: string): Parameter => ({ name, form: asNumber });
export const flags = (name: string, form: Form): Parameter => ({ name, form });
export const text = (name: string): Parameter => ({ name, isString: true, form: asNumber });
export const optional = (parameter: Parameter, fallback: Value): Parameter => ({
  ...parameter,
  fallback,
});

/** `mmap(address, length, ...)`, what may be left out in brackets. */
export function signatureOf({ name, parameters }: CallSpec): string {
  const words = parameters.map((parameter) =>
    parameter.fallback === undefined ? parameter.name : `[${parameter.name}]`,
  );
  return `${name}(${words.join(', ')})`;
}

/** In bytes: a page, as scripts count. */
export const PAGE = BigInt(PAGE_BYTES);
/** The engine computes with doubles, which are exact up to here. */
const EXACT = 2n ** 53n;

/**
 * A 64-bit number as the engine takes it, what is above 2^63 negative. Beyond 2^53 the page stays
 * exact, and that it is not aligned.
 */
export function toEngine(value: bigint): number {
  if (value > -EXACT && value < EXACT) return Number(value);
  const offset = BigInt.asUintN(12, value);
  if (offset === 0n) return Number(value);
  return Number(value - offset + PAGE / 2n);
}

/** An int of C: what is above 32 bits is lost. */
export function toInt(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** Flags in an unsigned long: 32 bits, and another one for all that are above. */
export function toFlags(value: bigint): number {
  const low = Number(BigInt.asUintN(32, value));
  return BigInt.asUintN(64, value) >> 32n === 0n ? low : low + 2 ** 32;
}

export function returned(value: bigint, form: Form = asNumber, note?: string): Outcome {
  const outcome = { kind: 'returned', value, text: form(value) } as const;
  return note === undefined ? outcome : { ...outcome, note };
}

/** What a system call returned: a value, or a negative errno. */
export function outcomeOf(result: number, form: Form = asNumber): Outcome {
  return result < 0 ? { kind: 'failed', errno: -result } : returned(BigInt(result), form);
}

/** `= 0x7ffff7a00000`, `= -1 EINVAL (Invalid argument)`: what strace(1) writes behind a call. */
export function resultText(outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case 'returned':
      return `= ${outcome.text}${outcome.note === undefined ? '' : ` (${outcome.note})`}`;
    case 'failed': {
      const { name, meaning } = describeErrno(outcome.errno);
      return `= -1 ${name} (${outcome.note ?? meaning})`;
    }
    case 'signalled': {
      const { name, code, address: at } = outcome.signal;
      return `--- ${name} {si_code=${code}, si_addr=${asAddress(at)}} ---`;
    }
    case 'waiting':
      return `... waits for userfaultfd at ${asAddress(outcome.address)}`;
    default:
      return undefined;
  }
}
