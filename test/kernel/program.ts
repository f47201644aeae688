/**
 * A program of memory-management calls: data that the kernel performs, or an engine.
 *
 * Its steps happen one after the other, whichever processes perform them. There is one process at
 * first, number 0. What it may touch, and how the address space looks at first, is in
 * `InitialState`.
 */
import {
  type Address,
  argumentsOf,
  CALL_NAMES,
  type Call,
  type CallName,
  callOf,
  FILE,
  FILES_FROM,
  FILES_MAX,
  UFFDS_FROM,
  UFFDS_MAX,
  valuesOf,
} from './calls.ts';

export const PROCESSES_MAX = 8;
export const SEGMENTS_MAX = 16;
export const STEPS_MAX = 2048;
export const NAME_BYTES_MAX = 1023;

/** The executor's own slot of 2 MiB, alone in its 512 GiB: it shares no table with a program. */
export const OWN_START = 2 ** 39;
export const OWN_END = OWN_START + 2 ** 21;
/** Where the heap starts. */
export const HEAP_START = 0x555555555000;

/**
 * What may be stored in memory and files. As instructions they are harmless, alone and as operands
 * of each other or of zeroes, since any page may be executed.
 */
export const BYTES: readonly number[] = [
  0x90, 0x91, 0x92, 0x93, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9e, 0x9f, 0xf5, 0xf8, 0xf9, 0xfc,
];

export interface Step {
  /** What addresses of later steps call it; unique, and kept when other steps are dropped. */
  readonly id: number;
  /** Who performs it. If there is no such process, nobody does. */
  readonly process: number;
  readonly call: Call;
}

export interface Program {
  readonly steps: readonly Step[];
}

const OPERANDS = 7;
const OPERAND_BYTES = 16;
const STEP_BYTES = 8 + OPERANDS * OPERAND_BYTES;
const SHIFT_MAX = 46;

/**
 * What the executor reads: see `executor/wire.h`.
 *
 * @throws RangeError if a step names a process, file, segment or byte that cannot be
 */
export function encodeProgram({ steps }: Program): Uint8Array {
  if (steps.length > STEPS_MAX) {
    throw new RangeError(`Cannot encode a program of ${steps.length} steps: at most ${STEPS_MAX}`);
  }
  const wire = new Uint8Array(4 + steps.length * STEP_BYTES);
  const view = new DataView(wire.buffer);
  const indexOf = new Map(steps.map(({ id }, index) => [id, index]));
  view.setUint32(0, steps.length, true);
  steps.forEach((step, index) => {
    checkStep(step);
    let at = 4 + index * STEP_BYTES;
    view.setUint32(at, CALL_NAMES.indexOf(step.call.name), true);
    view.setUint32(at + 4, step.process, true);
    at += 8;
    for (const value of valuesOf(step.call)) {
      encodeOperand(view, at, value, indexOf, index);
      at += OPERAND_BYTES;
    }
  });
  return wire;
}

function encodeOperand(
  view: DataView,
  at: number,
  value: Address,
  indexOf: ReadonlyMap<number, number>,
  limit: number,
): void {
  if (typeof value === 'number') {
    view.setBigInt64(at, BigInt(value), true);
    return;
  }
  check(value.shift, SHIFT_MAX + 1, 'shift', value.step);
  const index = indexOf.get(value.step) ?? limit;
  view.setBigInt64(at, BigInt(value.offset), true);
  view.setUint32(at + 8, index < limit ? index + 1 : 0, true);
  view.setUint32(at + 12, value.shift, true);
}

function checkStep({ id, process, call }: Step): void {
  check(process, PROCESSES_MAX, 'process', id);
  if (call.name === 'fork' || call.name === 'thread')
    check(call.child, PROCESSES_MAX, 'process', id);
  if (call.name === 'process_madvise') check(call.target, PROCESSES_MAX, 'process', id);
  if ('segment' in call) check(call.segment, SEGMENTS_MAX, 'segment', id);
  if ('byte' in call && !BYTES.includes(call.byte)) {
    throw new RangeError(`Cannot encode step #${id}: byte ${call.byte} is not one of BYTES`);
  }
  if (call.name === 'memfd_create') check(call.nameLength, NAME_BYTES_MAX + 1, 'name of', id);
  const makesFile = call.name === 'memfd_create' || call.name === 'open' || call.name === 'reopen';
  // Other descriptors are the executor's own.
  if ('file' in call && (makesFile || !Object.values<number>(FILE).includes(call.file))) {
    check(call.file - FILES_FROM, FILES_MAX, 'file', id);
  }
  if ('uffd' in call) check(call.uffd - UFFDS_FROM, UFFDS_MAX, 'userfaultfd', id);
  if (call.name === 'reopen') check(call.from - FILES_FROM, FILES_MAX, 'file', id);
}

function check(value: number, limit: number, what: string, id: number): void {
  if (Number.isInteger(value) && value >= 0 && value < limit) return;
  throw new RangeError(`Cannot encode step #${id}: no ${what} ${value}, at most ${limit - 1}`);
}

/**
 * One line a step, to be pasted into `parseProgram()`:
 *
 *    #7 p0 mprotect #3+0x1000 0x2000 read|write
 */
export function formatProgram({ steps }: Program): string {
  return steps.map(formatStep).join('\n');
}

export function formatStep({ id, process, call }: Step): string {
  const forms = argumentsOf(call.name);
  const values = valuesOf(call).map((value, index) => forms[index]!.form.format(value));
  return [`#${id}`, `p${process}`, call.name, ...values].join(' ');
}

/**
 * Lines may end in `;` too. `#ID` may be left out (one more than the line before, from 0), and so
 * may `pN` (process 0).
 *
 * @throws SyntaxError for an unknown call, a wrong number of arguments, or one that does not parse
 */
export function parseProgram(text: string): Program {
  const steps: Step[] = [];
  for (const line of text.split(/[;\n]/)) {
    if (line.trim() !== '') steps.push(parseStep(line.trim(), (steps.at(-1)?.id ?? -1) + 1));
  }
  return { steps };
}

function parseStep(line: string, nextId: number): Step {
  const [, id, process, name, rest] = /^(?:#(\d+) +)?(?:p(\d+) +)?(\w+) *(.*)$/.exec(line) ?? [];
  if (!isCallName(name)) throw new SyntaxError(`Cannot parse "${line}": no such call`);
  const words = rest!.split(' ').filter((word) => word !== '');
  const forms = argumentsOf(name);
  if (words.length !== forms.length) {
    const wanted = forms.map((argument) => argument.name).join(' ') || 'nothing';
    throw new SyntaxError(`Cannot parse "${line}": ${name} takes ${wanted}`);
  }
  const values = words.map((word, index) => forms[index]!.form.parse(word));
  return { id: Number(id ?? nextId), process: Number(process ?? 0), call: callOf(name, values) };
}

function isCallName(name: string | undefined): name is CallName {
  return CALL_NAMES.some((known) => known === name);
}
