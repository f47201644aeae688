/** Physical memory as a raw image: the byte at an offset is the one at that physical address. */
import type { Machine } from '../mm/index.ts';
import { type Chunk, PhysicalMemory } from './physical_memory.ts';

/** A file to be: what no chunk has is zero, so that it may be left out of a sparse file. */
export interface Image {
  readonly bytes: number;
  chunks(): Generator<Chunk, void>;
}

/** What QEMU reads with `-device loader,addr=0,force-raw=on`, or as the file of a memory backend. */
export function rawImage(machine: Machine): Image {
  const memory = new PhysicalMemory(machine);
  return {
    bytes: memory.end,
    *chunks() {
      for (const segment of [memory.frames, memory.tables]) {
        for (const { offset, bytes } of memory.chunksOf(segment)) {
          yield { offset: segment.start + offset, bytes };
        }
      }
    },
  };
}
