/** The physical memory of a machine as files: raw, and as an ELF core. */
export { elfCore } from './elf_core.ts';
export type { AddressSpace } from './notes.ts';
export { type Chunk, PhysicalMemory, type Segment } from './physical_memory.ts';
export { type Image, rawImage } from './raw_image.ts';
