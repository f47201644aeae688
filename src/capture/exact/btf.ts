/**
 * Field offsets of the running kernel's own structures, from its type information (BTF).
 *
 *   +--------+---------------------------------------+---------------------------+
 *   | header | types: 12 bytes each, and their tails  | strings, zero terminated  |
 *   +--------+---------------------------------------+---------------------------+
 *
 * A type has no length field: where the next one starts follows from its kind and the count in its
 * `info` word, so the section is passed once, in order.
 *
 * @source Documentation/bpf/btf.rst
 */
import { assert } from '../../base/assert.ts';
import { ExactModeUnavailable } from './unavailable.ts';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;
const MEMBER_BYTES = 12;

const Kind = {
  INT: 1,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  DECL_TAG: 17,
  ENUM64: 19,
} as const;

/** Bytes behind the 12 of a type: so many, and so many more for each of its `vlen` parts. */
const TAIL_BYTES: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  [Kind.INT]: [4, 0],
  [Kind.ARRAY]: [12, 0],
  [Kind.STRUCT]: [0, MEMBER_BYTES],
  [Kind.UNION]: [0, MEMBER_BYTES],
  [Kind.ENUM]: [0, 8],
  [Kind.FUNC_PROTO]: [0, 8],
  [Kind.VAR]: [4, 0],
  [Kind.DATASEC]: [0, 12],
  [Kind.DECL_TAG]: [4, 0],
  [Kind.ENUM64]: [0, 12],
};

export class Btf {
  readonly #bytes: Buffer;
  readonly #strings: number;
  /** Where each type starts; ids count from 1. */
  readonly #starts: Uint32Array;
  /** Structures that were asked for, by name: a search passes a hundred thousand types. */
  readonly #structs = new Map<string, number>();

  /**
   * @param bytes the content of /sys/kernel/btf/vmlinux
   * @throws SyntaxError if that is not BTF of this byte order
   */
  constructor(bytes: Buffer) {
    if (bytes.length < HEADER_BYTES || bytes.readUInt16LE(0) !== MAGIC) {
      throw new SyntaxError(
        'Cannot read kernel type information: it does not start with BTF magic',
      );
    }
    const headerBytes = bytes.readUInt32LE(4);
    this.#bytes = bytes;
    this.#strings = headerBytes + bytes.readUInt32LE(16);
    this.#starts = typeStarts(
      bytes,
      headerBytes + bytes.readUInt32LE(8),
      headerBytes + bytes.readUInt32LE(8) + bytes.readUInt32LE(12),
    );
  }

  /**
   * The byte offset of a member, looked for in anonymous structs and unions too.
   *
   * @throws ExactModeUnavailable if the kernel has no such structure or member
   */
  offsetOf(structName: string, memberName: string): number {
    const offset = this.#findMember(this.#findStruct(structName), memberName);
    if (offset === undefined) throw unknown(`${structName}.${memberName}`);
    return offset;
  }

  /** @throws ExactModeUnavailable if the kernel has no such structure */
  sizeOf(structName: string): number {
    return this.#bytes.readUInt32LE(this.#findStruct(structName) + 8);
  }

  #findStruct(name: string): number {
    const start =
      this.#structs.get(name) ??
      this.#starts.find((at) => this.#kind(at) === Kind.STRUCT && this.#name(at) === name);
    if (start === undefined) throw unknown(`struct ${name}`);
    this.#structs.set(name, start);
    return start;
  }

  #findMember(start: number, name: string): number | undefined {
    const info = this.#bytes.readUInt32LE(start + 4);
    const hasBitfields = info >>> 31 === 1;
    for (let index = 0; index < (info & 0xffff); index++) {
      const member = start + TYPE_BYTES + index * MEMBER_BYTES;
      const bits = this.#bytes.readUInt32LE(member + 8);
      const offset = (hasBitfields ? bits & 0xffffff : bits) / 8;
      const memberName = this.#name(member);
      if (memberName === name) return offset;
      if (memberName !== '') continue;
      const inner = this.#starts[this.#bytes.readUInt32LE(member + 4) - 1];
      assert(inner !== undefined, 'a BTF member has a type');
      if (this.#kind(inner) !== Kind.STRUCT && this.#kind(inner) !== Kind.UNION) continue;
      const found = this.#findMember(inner, name);
      if (found !== undefined) return offset + found;
    }
    return undefined;
  }

  #kind(start: number): number {
    return kindOf(this.#bytes.readUInt32LE(start + 4));
  }

  /** Types and members both begin with the offset of their name. */
  #name(start: number): string {
    const from = this.#strings + this.#bytes.readUInt32LE(start);
    return this.#bytes.toString('latin1', from, this.#bytes.indexOf(0, from));
  }
}

const unknown = (what: string) =>
  new ExactModeUnavailable(
    `the kernel's type information does not know ${what}`,
    'use Linux 6.18, which this was written for, or another kernel near it',
  );

const kindOf = (info: number): number => (info >>> 24) & 0x1f;

function typeStarts(bytes: Buffer, from: number, to: number): Uint32Array {
  const starts = new Uint32Array(Math.ceil((to - from) / TYPE_BYTES));
  let count = 0;
  for (let at = from; at < to; ) {
    starts[count++] = at;
    const info = bytes.readUInt32LE(at + 4);
    const [fixed, each] = TAIL_BYTES[kindOf(info)] ?? [0, 0];
    at += TYPE_BYTES + fixed + each * (info & 0xffff);
  }
  return starts.subarray(0, count);
}
