/**
 * Notes of an ELF core: what the registers of the CPUs say about the memory.
 *
 * For x86-64 each address space is shown as a CPU that runs it: a NT_PRSTATUS, and a note of QEMU,
 * in which tools look for CR3. For other architectures QEMU writes no root, and neither does this;
 * the note `PTSHARE` has the roots of all address spaces, as text in the manner of VMCOREINFO.
 *
 * @source struct elf_prstatus of linux/elfcore.h; QEMU target/i386/arch_dump.c, struct QEMUCPUState
 */
import type { Machine, Mm } from '../mm/index.ts';
import { PhysicalMemory } from './physical_memory.ts';

/** An address space that is to be found in the core. */
export interface AddressSpace {
  readonly pid: number;
  readonly mm: Mm;
}

const NT_PRSTATUS = 1;
const NT_QEMU = 0;
const NT_PTSHARE = 1;

const PRSTATUS_BYTES = 336;
const PRSTATUS_PID = 32;
const QEMU_BYTES = 440;
const QEMU_VERSION = 1;
const QEMU_CR = 392;
const CR_BYTES = 8;
/** PG, WP, NE, ET, MP, PE. */
const CR0 = 0x80010033;
const CR4_PAE = 0x20;
const CR4_LA57 = 0x1000;

/** All notes, one behind the other. */
export function notesOf(machine: Machine, spaces: readonly AddressSpace[]): Uint8Array {
  const { id, byteOrder, levels } = machine.format;
  const memory = new PhysicalMemory(machine);
  const isLittle = byteOrder === 'little';
  const notes: Uint8Array[] = [];
  if (id.startsWith('x86_64')) {
    for (const { pid } of spaces) notes.push(note('CORE', NT_PRSTATUS, prstatus(pid), isLittle));
    for (const { mm } of spaces) {
      const state = qemuState(memory.rootOf(mm), levels > 4);
      notes.push(note('QEMU', NT_QEMU, state, isLittle));
    }
  }
  const text = Uint8Array.from(rootsText(machine, memory, spaces), (c) => c.charCodeAt(0));
  notes.push(note('PTSHARE', NT_PTSHARE, text, isLittle));
  return joined(notes);
}

function rootsText(
  { format }: Machine,
  memory: PhysicalMemory,
  spaces: readonly AddressSpace[],
): string {
  const lines = [
    `FORMAT=${format.id}`,
    `PAGESIZE=${2 ** format.pageShift}`,
    ...spaces.map(({ pid, mm }) => `ROOT(${pid})=0x${memory.rootOf(mm).toString(16)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function prstatus(pid: number): Uint8Array {
  const bytes = new Uint8Array(PRSTATUS_BYTES);
  new DataView(bytes.buffer).setUint32(PRSTATUS_PID, pid, true);
  return bytes;
}

function qemuState(root: number, hasFiveLevels: boolean): Uint8Array {
  const bytes = new Uint8Array(QEMU_BYTES);
  const view = new DataView(bytes.buffer);
  const setCr = (number: number, value: number): void =>
    view.setBigUint64(QEMU_CR + number * CR_BYTES, BigInt(value), true);
  view.setUint32(0, QEMU_VERSION, true);
  view.setUint32(4, QEMU_BYTES, true);
  setCr(0, CR0);
  setCr(3, root);
  setCr(4, CR4_PAE + (hasFiveLevels ? CR4_LA57 : 0));
  return bytes;
}

/** Name and content are padded to 4 bytes, also in 64-bit cores. */
function note(name: string, type: number, content: Uint8Array, isLittle: boolean): Uint8Array {
  const nameBytes = name.length + 1;
  const contentAt = 12 + padded(nameBytes);
  const bytes = new Uint8Array(contentAt + padded(content.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nameBytes, isLittle);
  view.setUint32(4, content.length, isLittle);
  view.setUint32(8, type, isLittle);
  bytes.set(
    Uint8Array.from(name, (character) => character.charCodeAt(0)),
    12,
  );
  bytes.set(content, contentAt);
  return bytes;
}

const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
