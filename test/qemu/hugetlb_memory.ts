/** Machines whose processes have mapped huge pages of hugetlb, as wholes and in pieces of every size. */
import type { PteFormat } from '../../src/arch/index.ts';
import type * as designs from '../../src/designs/index.ts';
import type { Machine } from '../../src/mm/index.ts';
import { GranularCalls } from '../designs/hgm/granular_calls.ts';
import type { Engine } from '../mm/small_world.ts';

const built = (layer: string): Promise<unknown> =>
  import(new URL(`../../fast/src/${layer}/index.js`, import.meta.url).href);
const fast = (await built('mm')) as Engine;
const fastDesigns = (await built('designs')) as typeof designs;

const CALLS = 400;
/** So that there are huge pages behind the devices of a PC, in pages of 4 KiB. */
const MEMORY_BYTES = 8 * 2 ** 30;

/** Sizes that an entry, or a run of entries, maps, in small pages: the one for files first. */
function hugeSizes(format: PteFormat): number[] {
  const levels = [2, 1].filter((level) => level < format.levels && format.mayHoldLeaf(level));
  const whole = levels.map((level) => format.entryPages[level]!);
  const runs = [0, 1]
    .filter((level) => format.contiguousEntries(level) > 1)
    .map((level) => format.contiguousEntries(level) * format.entryPages[level]!);
  return [...whole, ...runs.filter((pages) => pages < whole[0]!)];
}

/** A machine after random calls on files of the largest pages that one entry maps. */
export function granularMachine(format: PteFormat, seed: number): Machine {
  const sizes = hugeSizes(format);
  const pages = sizes[0]!;
  const frames = MEMORY_BYTES / 2 ** format.pageShift;
  const isLevel2 = pages === format.entryPages[2];
  const count = Math.floor(frames / pages) - 1;
  const options = fastDesigns.HGM_VERSIONS[seed % fastDesigns.HGM_VERSIONS.length]!;
  const machine = new fast.Machine(
    {
      ...{ format, frames, hugeSizes: sizes, contents: false },
      ...{ mms: 4, userfaultfds: 4, tables: 128, vmas: 32, gather: 64 },
      ...(isLevel2 ? { gigantic: count } : { hugePages: count }),
    },
    {},
    [fastDesigns.hgm(options)],
  );
  // The last ones first: below, there are devices, and what the judge needs for itself.
  machine.hugetlb.hstates.find((hstate) => hstate.pages === pages)!.free.reverse();
  const calls = new GranularCalls(fast, fastDesigns, machine, options, { pages, count: 1, seed });
  for (let call = 0; call < CALLS; call++) calls.step();
  return machine;
}
