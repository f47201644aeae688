/**
 * `/proc/PID/maps`: one line a VMA.
 *
 *    7f684e46c000-7f684e492000 r--p 00026000 fe:00 339380            /usr/lib/libc.so.6 (deleted)
 *    start        end          prot offset   device inode   spaces    name
 *
 * A process may have 65,530 VMAs, so a line is read character by character, without a regular
 * expression and without a `bigint`: a 57-bit address is a multiple of the page size, which a
 * double holds exactly.
 *
 * @source linux fs/proc/task_mmu.c show_map_vma(), fs/seq_file.c mangle_path()
 */
import { ProcSyntaxError } from './syntax.ts';

export interface MapsLine {
  /** First page and first page behind the mapping. */
  readonly start: number;
  readonly end: number;
  /** PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4, as in mman.h. */
  readonly protection: number;
  /** `s` instead of `p`: VM_MAYSHARE. */
  readonly shared: boolean;
  /** In pages. */
  readonly offset: number;
  /** `major:minor` in hexadecimal, `00:00` where nothing is mapped. */
  readonly device: string;
  readonly inode: string;
  /** Path, `[heap]` and the like, or ''. Newlines are restored, ` (deleted)` is taken off. */
  readonly name: string;
  readonly deleted: boolean;
}

const DELETED = ' (deleted)';
const SPACE = 32;
const NEWLINE = 10;

/**
 * @param pageBytes size of a base page
 * @returns lines in ascending order of addresses, `[vsyscall]` included
 * @throws ProcSyntaxError for a line that Linux would not write, and for mappings that overlap
 */
export function parseMaps(text: string, pageBytes: number): MapsLine[] {
  const cursor = new Cursor(text, pageBytes);
  const lines: MapsLine[] = [];
  let freeFrom = 0;
  while (cursor.at < text.length) {
    const line = cursor.readLine();
    if (line.start < freeFrom) cursor.fail('mappings are in ascending order');
    freeFrom = line.end;
    lines.push(line);
  }
  return lines;
}

/** Reads one text from left to right. */
class Cursor {
  at = 0;
  readonly #text: string;
  readonly #pageBytes: number;
  #line = 0;
  #lineStart = 0;
  #lineEnd = 0;

  constructor(text: string, pageBytes: number) {
    this.#text = text;
    this.#pageBytes = pageBytes;
  }

  readLine(): MapsLine {
    this.#line++;
    this.#lineStart = this.at;
    const newline = this.#text.indexOf('\n', this.at);
    this.#lineEnd = newline < 0 ? this.#text.length : newline;
    if (newline < 0) this.fail('a line ends with a newline');

    const start = this.#pages('-');
    const end = this.#pages(' ');
    if (start >= end) this.fail('a mapping is not empty');
    const protection = this.#flag('r', '-') + this.#flag('w', '-') * 2 + this.#flag('x', '-') * 4;
    const shared = this.#flag('s', 'p') === 1;
    this.#expect(SPACE);
    const offset = this.#pages(' ');
    const device = this.#word();
    if (!device.includes(':')) this.fail('a device is two numbers');
    this.#expect(SPACE);
    const inode = this.#word();
    while (this.#text.charCodeAt(this.at) === SPACE) this.at++;
    const shown = this.#text.slice(this.at, this.#lineEnd);
    this.at = this.#lineEnd + 1;

    const deleted = shown.endsWith(DELETED);
    const name = unescapeName(deleted ? shown.slice(0, -DELETED.length) : shown);
    return { start, end, protection, shared, offset, device, inode, name, deleted };
  }

  fail(what: string): never {
    const text = this.#text.slice(this.#lineStart, this.#lineEnd);
    throw new ProcSyntaxError(what, 'maps', this.#line, text);
  }

  /** A hexadecimal number of bytes that `terminator` follows, in pages. */
  #pages(terminator: string): number {
    const first = this.at;
    let bytes = 0;
    for (; this.at < this.#lineEnd; this.at++) {
      const digit = hexDigit(this.#text.charCodeAt(this.at));
      if (digit < 0) break;
      bytes = bytes * 16 + digit;
    }
    const digits = this.at - first;
    if (digits === 0 || digits > 16) this.fail('a number has 1 to 16 hexadecimal digits');
    this.#expect(terminator.charCodeAt(0));
    const pages = bytes / this.#pageBytes;
    if (!Number.isSafeInteger(pages)) this.fail('a number is a multiple of the page size');
    return pages;
  }

  /** 1 if the next character is `set`, 0 if it is `clear`. */
  #flag(set: string, clear: string): number {
    const found = this.#text[this.at++];
    if (found !== set && found !== clear) this.fail(`a permission is "${set}" or "${clear}"`);
    return found === set ? 1 : 0;
  }

  #expect(character: number): void {
    if (this.#text.charCodeAt(this.at) !== character) this.fail('a separator is one character');
    this.at++;
  }

  /** Characters up to the next space or the end of the line. */
  #word(): string {
    const first = this.at;
    while (this.at < this.#lineEnd && this.#text.charCodeAt(this.at) !== SPACE) this.at++;
    if (this.at === first) this.fail('a field is not empty');
    return this.#text.slice(first, this.at);
  }
}

/** The value of a lower-case hexadecimal digit, or -1. */
function hexDigit(character: number): number {
  if (character >= 48 && character <= 57) return character - 48;
  if (character >= 97 && character <= 102) return character - 87;
  return -1;
}

/** Linux escapes a newline and nothing else, so a name that holds `\012` itself reads the same. */
function unescapeName(name: string): string {
  return name.includes('\\012') ? name.replaceAll('\\012', String.fromCharCode(NEWLINE)) : name;
}
