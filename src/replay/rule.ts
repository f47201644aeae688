/** Why the engine answered as it did, in a sentence: for whoever looks into a difference. */
import type * as engine from '../mm/index.ts';
import { MAP, MREMAP, PAGE_BYTES } from '../uapi/mman.ts';
import type { Request } from './request.ts';

const HUGE_BYTES = 2 ** 21;

/**
 * @param ours what the engine answered: a value, or a negative errno
 * @param file what an mmap() maps
 */
export function ruleOf(
  { mm }: engine.Task,
  request: Request,
  ours: number,
  file: engine.OpenFile | undefined,
): string {
  if (ours < 0) return refusalOf(request, ours);
  switch (request.name) {
    case 'mmap':
      return placementOf(mm, request, ours, file);
    case 'mremap':
      return moveOf(request, ours);
    case 'brk':
      return breakOf(mm, request.address, ours);
    case 'shmat':
      return request.address === 0 ? 'the highest gap below mmap_base' : 'at the address asked for';
    default:
      return 'the range is mapped as the call needs it';
  }
}

function placementOf(
  { layout }: engine.Mm,
  { address, flags, offset }: Extract<Request, { name: 'mmap' }>,
  ours: number,
  file: engine.OpenFile | undefined,
): string {
  if (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) return 'MAP_FIXED: where the caller says';
  if (address !== 0 && ours === address - (address % PAGE_BYTES)) return 'the hint is free';
  if (flags & MAP['32BIT']) return 'MAP_32BIT: the lowest gap from 1 GiB to 2 GiB';
  const isHuge = file === undefined ? (flags & 3) === 2 : file.mapped?.inode.placement === 'huge';
  const isAligned = (ours - (file === undefined ? 0 : offset)) % HUGE_BYTES === 0;
  const hint = address === 0 ? '' : 'the hint is taken; ';
  if (layout.isBottomUp) return `${hint}bottom-up: the lowest gap above mmap_base`;
  if (isHuge && isAligned) return `${hint}top-down: the highest gap that can be aligned to 2 MiB`;
  return `${hint}top-down: the highest gap below mmap_base`;
}

function moveOf(
  { address, length, newLength, flags }: Extract<Request, { name: 'mremap' }>,
  ours: number,
): string {
  if (ours === address) return newLength > length ? 'it grows where it is' : 'it stays where it is';
  return flags === MREMAP.MAYMOVE
    ? 'it cannot grow where it is: moved to the highest gap'
    : 'moved to the address asked for';
}

function breakOf({ layout, vmas }: engine.Mm, wanted: number, ours: number): string {
  if (wanted === ours) return 'there is room up to the new break';
  if (wanted < layout.brkStartBytes) return 'the break is not moved below its start';
  const next = vmas.find(Math.ceil(ours / PAGE_BYTES));
  return next === undefined
    ? 'the break cannot be moved there'
    : `the next mapping, at 0x${(next.start * PAGE_BYTES).toString(16)}, leaves no room`;
}

const REFUSALS: Readonly<Record<number, string>> = {
  1: 'the file system is mounted with noexec',
  9: 'the descriptor is not open',
  12: 'a part of the range is not mapped, there is no room, or vm.max_map_count is reached',
  13: 'the file was not opened for that',
  14: 'the range is not within one mapping',
  17: 'MAP_FIXED_NOREPLACE: something is mapped there',
  19: 'what the descriptor stands for cannot be mapped',
  22: 'an argument is not aligned, empty, or not one of those that the call knows',
  75: 'the end is behind what the file system lets a file have',
  95: 'a flag that MAP_SHARED_VALIDATE does not know',
};

function refusalOf({ name }: Request, ours: number): string {
  return REFUSALS[-ours] ?? `${name} is refused`;
}
