/**
 * The BPF program that reads kernel memory, as instruction words, and the layout of the one map
 * value it works on.
 *
 *        0  count of requests, 32 bits
 *        4  bytes a request, 32 bits
 *        8  out: address of the calling task's task_struct
 *     0x10  whether each request but the first is for the address that the one before it read
 *     0x20  not used by the program
 *    0x800  in: BATCH addresses; out: 0 or -errno each; one more that is written only
 *   0x1000  out: BATCH pages of data
 *
 * The program stores into this map value and nowhere else; the verifier holds it to that.
 *
 * @source Documentation/bpf/standardization/instruction-set.rst; include/uapi/linux/bpf.h for the
 *         numbers of helper functions
 */
import { assert } from '../../base/assert.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';

/** Reads of one run. */
export const BATCH = 255;
export const COUNT_AT = 0;
export const BYTES_AT = 4;
export const TASK_AT = 8;
export const FOLLOW_AT = 0x10;
export const UNUSED_AT = 0x20;
export const REQUESTS_AT = 0x800;
export const DATA_AT = 0x1000;
export const VALUE_BYTES = DATA_AT + BATCH * PAGE_BYTES;

const HELPER_GET_CURRENT_TASK = 35;
const HELPER_PROBE_READ_KERNEL = 113;
/** As source register of LOAD_64: the constant is an address within the value of a map. */
const PSEUDO_MAP_VALUE = 2;

/** Opcodes: class, size and mode or operation in one byte. */
const LOAD_64 = 0x18;
const LOAD_WORD = 0x61;
const LOAD_QUAD = 0x79;
const STORE_QUAD = 0x7b;
const MOVE = 0xbf;
const MOVE_CONSTANT = 0xb7;
const ADD = 0x0f;
const ADD_CONSTANT = 0x07;
const SHIFT_LEFT_CONSTANT = 0x67;
const JUMP = 0x05;
const JUMP_EQUAL_CONSTANT = 0x15;
const JUMP_ABOVE_CONSTANT = 0x25;
const JUMP_ABOVE_OR_EQUAL = 0x3d;
const JUMP_ABOVE_OR_EQUAL_CONSTANT = 0x35;
const CALL = 0x85;
const EXIT = 0x95;

type Instruction = readonly [
  opcode: number,
  target: number,
  source: number,
  offset: number,
  constant: number,
];

/** Registers: 0 results, 1-5 arguments, lost in calls; 6-9 survive calls. */
const VALUE = 6;
const COUNT = 7;
const BYTES = 8;
const INDEX = 9;

/**
 * @param mapFd file descriptor of an array map with one value of `VALUE_BYTES`
 * @returns 8 bytes an instruction, for BPF_PROG_TYPE_SYSCALL
 */
export function assembleReader(mapFd: number): Buffer {
  const start: readonly Instruction[] = [
    [LOAD_64, VALUE, PSEUDO_MAP_VALUE, 0, mapFd],
    [0, 0, 0, 0, 0], // High half of LOAD_64: offset 0 into the value.
    [CALL, 0, 0, 0, HELPER_GET_CURRENT_TASK],
    [STORE_QUAD, VALUE, 0, TASK_AT, 0],
    [LOAD_WORD, COUNT, VALUE, COUNT_AT, 0],
    [LOAD_WORD, BYTES, VALUE, BYTES_AT, 0],
    [MOVE_CONSTANT, INDEX, 0, 0, 0],
  ];
  const read: readonly Instruction[] = [
    ...requestOf(4),
    [LOAD_QUAD, 3, 4, REQUESTS_AT, 0],
    [MOVE, 2, BYTES, 0, 0],
    ...dataOf(1),
    [CALL, 0, 0, 0, HELPER_PROBE_READ_KERNEL],
    ...requestOf(4),
    [STORE_QUAD, 4, 0, REQUESTS_AT, 0],
  ];
  const follow: readonly Instruction[] = [
    ...dataOf(1),
    [LOAD_QUAD, 3, 1, 0, 0],
    [STORE_QUAD, 4, 3, REQUESTS_AT + 8, 0],
  ];
  // Jump offsets count from the next instruction.
  const body: readonly Instruction[] = [
    ...read,
    [LOAD_WORD, 5, VALUE, FOLLOW_AT, 0],
    [JUMP_EQUAL_CONSTANT, 5, 0, follow.length, 0],
    ...follow,
    [ADD_CONSTANT, INDEX, 0, 0, 1],
  ];
  // The first two bounds never bite: they are what the verifier needs to see.
  const bounds: readonly Instruction[] = [
    [JUMP_ABOVE_CONSTANT, BYTES, 0, body.length + 3, PAGE_BYTES],
    [JUMP_ABOVE_OR_EQUAL_CONSTANT, INDEX, 0, body.length + 2, BATCH],
    [JUMP_ABOVE_OR_EQUAL, INDEX, COUNT, body.length + 1, 0],
  ];
  const end: readonly Instruction[] = [
    [JUMP, 0, 0, -(bounds.length + body.length + 1), 0],
    [MOVE_CONSTANT, 0, 0, 0, 0],
    [EXIT, 0, 0, 0, 0],
  ];
  return encode([...start, ...bounds, ...body, ...end]);
}

/** The address from which request `INDEX` is at `REQUESTS_AT`. */
const requestOf = (register: number): readonly Instruction[] => [
  [MOVE, register, INDEX, 0, 0],
  [SHIFT_LEFT_CONSTANT, register, 0, 0, 3],
  [ADD, register, VALUE, 0, 0],
];

/** The address of the data of request `INDEX`. */
const dataOf = (register: number): readonly Instruction[] => [
  [MOVE, register, INDEX, 0, 0],
  [SHIFT_LEFT_CONSTANT, register, 0, 0, 12],
  [ADD, register, VALUE, 0, 0],
  [ADD_CONSTANT, register, 0, 0, DATA_AT],
];

function encode(instructions: readonly Instruction[]): Buffer {
  const words = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([opcode, target, source, offset, constant], index) => {
    assert(source < 16 && target < 16, 'a register number has four bits');
    words.writeUInt8(opcode, index * 8);
    words.writeUInt8((source << 4) | target, index * 8 + 1);
    words.writeInt16LE(offset, index * 8 + 2);
    words.writeInt32LE(constant, index * 8 + 4);
  });
  return words;
}
