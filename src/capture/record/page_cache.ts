/**
 * Which folios of a file are large. A fault maps those around it as a whole, as far as they fit, so that
 * what it brings in depends on how the file was read or written, whenever that was.
 *
 * @source Documentation/admin-guide/mm/pagemap.rst
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { MAP, PAGE_BYTES, PROT } from '../../uapi/mman.ts';

/** Folios of `2 ** order` pages, one behind the other: page number of the first one, and how many. */
export type FolioRun = readonly [first: number, order: number, count: number];

const ENTRY_BYTES = 8;
/** Bits of the higher half of an entry of pagemap: the rest of it belongs to the frame. */
const PRESENT = 0x80000000;
const FRAME_HIGH = 0x7fffff;
const KPF = { COMPOUND_HEAD: 1 << 15, COMPOUND_TAIL: 1 << 16 } as const;
/** What a table spans: a larger folio is never mapped as a whole by small pages. */
const ORDER_MAX = 9;

export class PageCache {
  readonly #map: (file: number, bytes: number) => number;

  /** @throws Error if koffi is not installed */
  constructor() {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const mmap: (...args: number[]) => number | bigint = koffi
      .load(null)
      .func('intptr_t mmap(intptr_t address, size_t length, int prot, int flags, int fd, long at)');
    this.#map = (file, bytes) =>
      Number(mmap(0, bytes, PROT.READ, MAP.SHARED | MAP.POPULATE, file, 0));
  }

  /**
   * The large folios of a file that was read. It stays mapped until this process ends: then its pages
   * stay in memory, and its folios what they are.
   *
   * @param bytes of the file
   */
  largeFolios(path: string, bytes: number): FolioRun[] {
    const file = openSync(path, 'r');
    try {
      const address = bytes === 0 ? -1 : this.#map(file, bytes);
      // Some files cannot be mapped: nobody else can, either.
      return address < 0 ? [] : runsOf(flagsOf(framesOf(address, Math.ceil(bytes / PAGE_BYTES))));
    } finally {
      closeSync(file);
    }
  }
}

/** The frame of each page, 0 where there is none. */
function framesOf(address: number, pages: number): Float64Array {
  const entries = new Uint32Array(2 * pages);
  const pagemap = openSync('/proc/self/pagemap', 'r');
  try {
    readSync(pagemap, entries, 0, entries.byteLength, (address / PAGE_BYTES) * ENTRY_BYTES);
  } finally {
    closeSync(pagemap);
  }
  return Float64Array.from({ length: pages }, (_, page) => {
    const [low, high] = [entries[2 * page]!, entries[2 * page + 1]!];
    return (high & PRESENT) === 0 ? 0 : (high & FRAME_HIGH) * 2 ** 32 + low;
  });
}

/** The lower half of the flags of each frame. */
function flagsOf(frames: Float64Array): Uint32Array {
  const flags = new Uint32Array(frames.length);
  const entry = new Uint32Array(2);
  const kpageflags = openSync('/proc/kpageflags', 'r');
  try {
    frames.forEach((frame, page) => {
      if (frame === 0) return;
      readSync(kpageflags, entry, 0, ENTRY_BYTES, frame * ENTRY_BYTES);
      flags[page] = entry[0]!;
    });
  } finally {
    closeSync(kpageflags);
  }
  return flags;
}

function runsOf(flags: Uint32Array): FolioRun[] {
  const runs: [number, number, number][] = [];
  for (let page = 0; page < flags.length; ) {
    const first = page++;
    if ((flags[first]! & KPF.COMPOUND_HEAD) === 0) continue;
    while (page < flags.length && (flags[page]! & KPF.COMPOUND_TAIL) !== 0) page++;
    // The last folio of a file may reach behind its end.
    const order = Math.min(Math.ceil(Math.log2(page - first)), ORDER_MAX);
    if (order === 0) continue;
    const count = Math.ceil((page - first) / 2 ** order);
    const last = runs.at(-1);
    const isNext = last?.[1] === order && last[0] + last[2] * 2 ** order === first;
    if (isNext) last[2] += count;
    else runs.push([first, order, count]);
  }
  return runs;
}
