/**
 * Objects in mshare regions: what the what-if moves there is put there through the interface of v3.
 *
 * The first process that maps an object makes its region, and owns it; every other one attaches it.
 */

import { assert } from '../base/assert.ts';
import type { MshareVariant, msharefs } from '../designs/index.ts';
import type { HostSnapshot, Vma } from '../snapshot/records.ts';
import { O } from '../uapi/files.ts';
import { MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { Mapping } from './population.ts';
import type { Stage } from './stage.ts';

/** What a region spans, in pages: 512 GiB. */
const SPAN = 2 ** 27;
/** The one descriptor that the maker of a region has. */
const FD = 3;

/** A region in the engine. */
export interface Region {
  readonly file: msharefs.MsharefsFile;
  readonly pages: number;
  /** By process that has it attached: the page where the object starts. */
  readonly places: ReadonlyMap<number, number>;
}

/** Makes the region for what `mapping` says of its object, and lets all attach it. */
export function attachRegion(
  stage: Stage,
  before: HostSnapshot,
  mount: msharefs.Mount,
  { vma }: Mapping,
): Region {
  const sharers = sharersOf(before, vma.object);
  const [maker] = sharers;
  assert(maker !== undefined, 'an object that is moved was mapped');
  const file = makeRegion(stage, maker, mount, vma);
  const region = { file, pages: Math.ceil((vma.end - vma.start) / SPAN) * SPAN };
  const places = new Map(sharers.map((process) => [process, attach(stage, process, region)]));
  return { ...region, places };
}

/** All who have a region attached touch what is in it: the first stores, the others look. */
export function touchRegion(
  stage: Stage,
  places: ReadonlyMap<number, number>,
  { vma, touched }: Mapping,
): void {
  let isFirst = true;
  for (const [process, place] of places) {
    const at = place - vma.start;
    for (const { start, end } of touched) stage.touchPages(process, start + at, end + at, isFirst);
    isFirst = false;
  }
}

/** Processes that mapped `object` with others, before it was moved. */
function sharersOf({ mms }: HostSnapshot, object: number): number[] {
  return [...mms.keys()].filter((index) =>
    mms[index]!.vmas.some((vma) => vma.shared && vma.object === object),
  );
}

function makeRegion(
  stage: Stage,
  maker: number,
  mount: msharefs.Mount,
  { start, end, object }: Vma,
): msharefs.MsharefsFile {
  const { mm } = stage;
  const task = stage.as(maker);
  const file = mm.run(mm.msharefs.open(task, mount, `object ${object}`, O.RDWR | O.CREAT));
  assert(typeof file !== 'number', 'a machine has room for the regions that it was made for');
  const bytes = Math.ceil((end - start) / SPAN) * SPAN * PAGE_BYTES;
  mm.run(mm.ftruncate(task, file, bytes));
  const create = mm.encodeCreate({
    regionOffset: 0,
    size: (end - start) * PAGE_BYTES,
    offset: 0,
    prot: PROT_RW,
    flags: MAP.SHARED | MAP.FIXED,
    fd: FD,
  });
  const caller = { files: (fd: number) => (fd === FD ? stage.fileOf(object) : undefined) };
  const variant: MshareVariant = mm.V3;
  const { CREATE_MAPPING } = mm.MSHAREFS;
  const result = mm.run(mm.ioctl(variant, task, file, CREATE_MAPPING, create, caller));
  if (result < 0) throw new RangeError(`Cannot map into a region: errno ${-result}`);
  return file;
}

/** @returns the page where the region is */
function attach(
  stage: Stage,
  process: number,
  { file, pages }: { readonly file: msharefs.MsharefsFile; readonly pages: number },
): number {
  const { mm } = stage;
  const call = { address: 0, length: pages * PAGE_BYTES, prot: PROT_RW, offset: 0 };
  const result = mm.run(mm.mmap(stage.as(process), { ...call, flags: MAP.SHARED, file }));
  if (result < 0) throw new RangeError(`Cannot attach a region: errno ${-result}`);
  return result / PAGE_BYTES;
}
