/**
 * Reads what `valgrind --tool=lackey --trace-mem=yes` writes, as bytes come:
 *
 *     I  0401ab70,3        an instruction is fetched
 *      L 1fff000778,8      a load; S a store; M both, one after the other
 *     ==26944== Command: ls /
 *
 * Anything else is what the program itself has written, and is passed over: whoever gives a log file
 * (`--log-file`) has none of it. A trace is of one process.
 *
 * @source Valgrind manual, chapter "Lackey: an example tool", --trace-mem
 */
import { assert } from '../../base/assert.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { type AccessLog, AccessLogWriter } from './access_log.ts';

const NEWLINE = 0x0a;
/** The longest line that is looked at: of a command. */
const LINE_MAX = 256;
/** What programs of x86-64 can map. */
const ADDRESS_MAX = 2 ** 47;
/** Of one access: an XSAVE area is the largest. */
const SIZE_MAX = 2 ** 14;
const LETTERS = { I: 0x49, L: 0x4c, S: 0x53, M: 0x4d } as const;
const ACCESSES: readonly number[] = [LETTERS.L, LETTERS.S, LETTERS.M];
const SPACE = 0x20;
const COMMA = 0x2c;
const COMMAND = /^==\d+== Command: (.*)$/;

export class LackeyReader {
  readonly #log = new AccessLogWriter();
  readonly #line = new Uint8Array(LINE_MAX);
  #length = 0;
  #command: string | undefined;
  /** Lines that were no accesses. */
  others = 0;

  /** @returns false if no more can be kept */
  push(bytes: Uint8Array): boolean {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      const stop = end < 0 ? bytes.length : end;
      if (end >= 0 && this.#length === 0) this.#take(bytes, start, stop);
      else {
        const part = bytes.subarray(start, Math.min(stop, start + LINE_MAX - this.#length));
        this.#line.set(part, this.#length);
        this.#length += part.length;
        if (end >= 0) this.#takeKept();
      }
      if (end < 0) return !this.#log.isFull;
      start = end + 1;
    }
  }

  /** @param name if the trace does not say what was run */
  finish(name: string): AccessLog {
    if (this.#length > 0) this.#takeKept();
    return this.#log.finish(this.#command ?? name);
  }

  #takeKept(): void {
    this.#take(this.#line, 0, this.#length);
    this.#length = 0;
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    const isFetch = bytes[start] === LETTERS.I;
    const letter = bytes[start + (isFetch ? 0 : 1)]!;
    const from = start + 3;
    const isAccess = isFetch || (bytes[start] === SPACE && ACCESSES.includes(letter));
    const comma = isAccess && bytes[from - 1] === SPACE ? commaOf(bytes, from, end) : -1;
    const address = comma < 0 ? -1 : hexadecimal(bytes, from, comma);
    const size = comma < 0 ? -1 : decimal(bytes, comma + 1, end);
    const isRead = address >= 0 && address < ADDRESS_MAX && size >= 1 && size <= SIZE_MAX;
    if (!isRead) this.#takeOther(bytes, start, end);
    else if (isFetch) this.#log.fetches++;
    else {
      if (letter !== LETTERS.S) this.#add(address, size, false);
      if (letter !== LETTERS.L) this.#add(address, size, true);
    }
  }

  #add(address: number, size: number, isStore: boolean): void {
    const first = Math.floor(address / PAGE_BYTES);
    const last = Math.floor((address + size - 1) / PAGE_BYTES);
    for (let page = first; page <= last; page++) this.#log.add(page, isStore);
  }

  #takeOther(bytes: Uint8Array, start: number, end: number): void {
    this.others++;
    if (this.#command !== undefined) return;
    let text = '';
    for (let at = start; at < Math.min(end, start + LINE_MAX); at++) {
      text += String.fromCharCode(bytes[at]!);
    }
    this.#command = COMMAND.exec(text)?.[1];
  }
}

function commaOf(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === COMMA) return at;
  return -1;
}

/** @returns -1 if it is no number */
function hexadecimal(bytes: Uint8Array, start: number, end: number): number {
  assert(start <= end, 'a field does not end before it starts');
  if (start === end || end - start > 16) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = digitOf(bytes[at]!);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 6) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}
