/**
 * Physical memory as an ELF core of the kind that QEMU's dump-guest-memory and /proc/vmcore are:
 * notes, then one loadable segment for each part of memory, found by its physical address.
 *
 * @source elf(5); QEMU dump/dump.c
 */
import { assert } from '../base/assert.ts';
import type { Machine } from '../mm/index.ts';
import { type AddressSpace, notesOf } from './notes.ts';
import { PhysicalMemory, type Segment } from './physical_memory.ts';
import type { Image } from './raw_image.ts';

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const ALIGNMENT = 4096;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ELFDATA2MSB = 2;
const EV_CURRENT = 1;
const ET_CORE = 4;
const PT_LOAD = 1;
const PT_NOTE = 4;

/** `e_machine`, by what the id of a format starts with. */
const MACHINES: readonly (readonly [prefix: string, machine: number])[] = [
  ['x86_64', 62],
  ['arm64', 183],
  ['riscv64', 243],
  ['ppc64', 21],
];

/** @param spaces whose roots the notes tell */
export function elfCore(machine: Machine, spaces: readonly AddressSpace[]): Image {
  const memory = new PhysicalMemory(machine);
  const segments = [memory.frames, memory.tables];
  const notes = notesOf(machine, spaces);
  const notesAt = HEADER_BYTES + (1 + segments.length) * PROGRAM_HEADER_BYTES;
  const starts: number[] = [];
  let end = alignUp(notesAt + notes.length);
  for (const { bytes } of segments) {
    starts.push(end);
    end = alignUp(end + bytes);
  }
  const head = new Uint8Array(notesAt + notes.length);
  writeHeader(head, machine, 1 + segments.length);
  writeProgramHeader(head, machine, 0, PT_NOTE, { start: 0, bytes: notes.length }, notesAt);
  segments.forEach((segment, index) => {
    writeProgramHeader(head, machine, 1 + index, PT_LOAD, segment, starts[index]!);
  });
  head.set(notes, notesAt);
  return {
    bytes: end,
    *chunks() {
      yield { offset: 0, bytes: head };
      for (const [index, segment] of segments.entries()) {
        for (const { offset, bytes } of memory.chunksOf(segment)) {
          yield { offset: starts[index]! + offset, bytes };
        }
      }
    },
  };
}

const alignUp = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function writeHeader(head: Uint8Array, { format }: Machine, programHeaders: number): void {
  const view = new DataView(head.buffer);
  const isLittle = format.byteOrder === 'little';
  const machine = MACHINES.find(([prefix]) => format.id.startsWith(prefix));
  assert(machine !== undefined, 'a format is of an architecture that ELF knows');
  const ident = [0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, isLittle ? ELFDATA2LSB : ELFDATA2MSB];
  head.set([...ident, EV_CURRENT]);
  view.setUint16(16, ET_CORE, isLittle);
  view.setUint16(18, machine[1], isLittle);
  view.setUint32(20, EV_CURRENT, isLittle);
  // Where program headers start; there are no section headers.
  view.setBigUint64(32, BigInt(HEADER_BYTES), isLittle);
  view.setUint16(52, HEADER_BYTES, isLittle);
  view.setUint16(54, PROGRAM_HEADER_BYTES, isLittle);
  view.setUint16(56, programHeaders, isLittle);
}

function writeProgramHeader(
  head: Uint8Array,
  { format }: Machine,
  index: number,
  type: number,
  { start, bytes }: Segment,
  offset: number,
): void {
  const at = HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
  const view = new DataView(head.buffer, at, PROGRAM_HEADER_BYTES);
  const isLittle = format.byteOrder === 'little';
  const isMemory = type === PT_LOAD;
  view.setUint32(0, type, isLittle);
  // Virtual addresses are the physical ones, as in dumps of QEMU without paging.
  const fields = [offset, start, start, bytes, isMemory ? bytes : 0, 0];
  for (const [field, value] of fields.entries()) {
    view.setBigUint64(8 + field * 8, BigInt(value), isLittle);
  }
}
