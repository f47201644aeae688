/**
 * The array of `struct page`, one for every frame, which the kernel places at boot.
 *
 * It is found through a pair the kernel keeps: a kernel stack is mapped page by page, and its
 * `vm_struct` names the `struct page` of each. The frame of the same page stands in the kernel's
 * page tables.
 */
import { ENTRIES, frameOf, isPresent, isTable, LEVELS } from './entries.ts';
import { type KernelReader, pointerAt } from './kernel_reader.ts';
import { ExactModeUnavailable } from './unavailable.ts';

const PAGE_SHIFT = 12n;
const INDEX_BITS = 9n;

export class PageStructs {
  /** The root table of the process that reads; all roots share the kernel's half. */
  readonly ownRootFrame: number;
  readonly #base: bigint;
  readonly #bytes: bigint;

  /** @throws ExactModeUnavailable if this kernel's structures differ too much */
  constructor(reader: KernelReader) {
    const { btf, currentTask } = reader;
    const mm = readPointer(reader, currentTask, btf.offsetOf('task_struct', 'mm'));
    const root = readPointer(reader, mm, btf.offsetOf('mm_struct', 'pgd'));
    this.ownRootFrame = reader.frameOf(root);
    const stack = readPointer(reader, currentTask, btf.offsetOf('task_struct', 'stack'));
    const area = readPointer(reader, currentTask, btf.offsetOf('task_struct', 'stack_vm_area'));
    const pages = readPointer(reader, area, btf.offsetOf('vm_struct', 'pages'));
    const frame = translate(reader, this.ownRootFrame, stack);
    this.#bytes = BigInt(btf.sizeOf('page'));
    this.#base = readPointer(reader, pages, 0) - BigInt(frame) * this.#bytes;
  }

  addressOf(frame: number): bigint {
    return this.#base + BigInt(frame) * this.#bytes;
  }

  /** The frame a `struct page` describes; `undefined` if that address is not one of the array. */
  frameOf(address: bigint): number | undefined {
    const frame = (address - this.#base) / this.#bytes;
    return address >= this.#base && frame < FRAMES_MAX ? Number(frame) : undefined;
  }
}

/** 46 bits of physical address, all that four levels allow Linux to map. */
const FRAMES_MAX = 1n << 34n;

export function readPointer(reader: KernelReader, base: bigint, offset: number): bigint {
  let pointer: bigint | undefined;
  reader.read([base + BigInt(offset)], 8, (words) => {
    if (words !== undefined) pointer = pointerAt(words, 0);
  });
  if (pointer === undefined) {
    throw new ExactModeUnavailable('a structure of the kernel is not where it should be', '');
  }
  return pointer;
}

/** The frame a kernel address is mapped to by pages of 4 KiB, as vmalloc memory is. */
function translate(reader: KernelReader, rootFrame: number, address: bigint): number {
  let frame = rootFrame;
  for (let level = LEVELS - 1; level >= 0; level--) {
    const shift = PAGE_SHIFT + INDEX_BITS * BigInt(level);
    const index = Number((address >> shift) & BigInt(ENTRIES - 1));
    let found = false;
    reader.readFrames([frame], (words) => {
      const low = words?.[index * 2] ?? 0;
      found = level > 0 ? isTable(low) : isPresent(low);
      frame = frameOf(low, words?.[index * 2 + 1] ?? 0);
    });
    if (!found) throw new ExactModeUnavailable('the kernel stack is not mapped by pages', '');
  }
  return frame;
}
