/** A guest that is migrated: simulated under each design, run by the engine, shown. */
import { setImmediate } from 'node:timers/promises';
import { type Engine, measurePostCopy, type PostCopyCost } from '../../cost/index.ts';
import {
  POST_COPY_SCHEMA,
  type PostCopyComparison,
  type PostCopyEngineEntry,
  type PostCopyEntry,
} from '../../report/post_copy/schema.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import {
  COLLAPSE_COST,
  type Collapse,
  collapse,
  HGM_GUEST,
  POST_COPY_DESIGNS,
  type PostCopyDesign,
  type PostCopyResult,
  postCopy,
  postCopyGuest,
  tablesOf,
} from '../../workload/index.ts';
import { wrongUse } from '../failure.ts';
import type { CompareOptions } from './options.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const VCPUS_MAX = 1024;
/** The most that the engine runs: about a second for each design. */
const ENGINE_BYTES = GIB;
const AT_ONCE = [GIB];
const IN_TWO_ROUNDS = [2 * MIB, GIB];

type Guest = typeof HGM_GUEST;

/** @throws Failure for a guest that is not simulated, or what a guest has not */
export function guestOf(options: CompareOptions): Guest {
  const { usual, bytesMax, id } = postCopyGuest;
  const { processes: vcpus = usual.processes, size: guestBytes = usual.bytes } = options;
  if (options.sweep !== undefined || options.save !== undefined) {
    throw wrongUse(
      `${id} is one guest, and no host that could be saved`,
      'Leave out --sweep and --save',
    );
  }
  if (vcpus > VCPUS_MAX) {
    throw wrongUse('No guest has so many vCPUs', `Use at most --processes ${VCPUS_MAX}`);
  }
  if (guestBytes % GIB > 0 || guestBytes > bytesMax) {
    throw wrongUse(
      'The memory of the guest is pages of 1 GiB',
      `Use a --size of 1G to ${bytesMax / GIB}G, whole`,
    );
  }
  const { link = HGM_GUEST.bitsPerSecond, roundTrip = HGM_GUEST.roundTripUs } = options;
  return { ...HGM_GUEST, vcpus, guestBytes, bitsPerSecond: link, roundTripUs: roundTrip };
}

export async function comparePostCopy(
  mm: Engine,
  guest: Guest,
  ids: readonly string[],
  say: (detail: string) => void,
): Promise<PostCopyComparison> {
  const designs = POST_COPY_DESIGNS.filter(({ id }) => ids.includes(id));
  const engineBytes = Math.min(guest.guestBytes, ENGINE_BYTES);
  // Designs that fetch alike differ in the collapse only.
  const [fetched, small] = [guest, { ...guest, guestBytes: engineBytes }].map(fetchOnce);
  const entries: PostCopyEntry[] = [];
  const counted: PostCopyEngineEntry[] = [];
  let agrees = true;
  for (const design of designs) {
    say(design.id);
    await setImmediate();
    entries.push(entryOf(guest.guestBytes, design, fetched!(design)));
    const rounds = design.counting === undefined ? [] : IN_TWO_ROUNDS;
    const { arrivals } = (engineBytes === guest.guestBytes ? fetched : small)!(design);
    const cost = measurePostCopy(mm, engineBytes, design, arrivals, rounds);
    agrees &&= isAsSaid(engineBytes, design, rounds, cost);
    counted.push(engineEntryOf(design, rounds, cost));
  }
  const { id, title, story, processesAre, bytesAre } = postCopyGuest;
  const { bitsPerSecond, roundTripUs, resumeUs, touchUs } = guest;
  return {
    schema: POST_COPY_SCHEMA,
    workload: { id, title, story, processesAre, bytesAre },
    processes: guest.vcpus,
    bytes: guest.guestBytes,
    parameters: { bitsPerSecond, roundTripUs, resumeUs, touchUs, ...COLLAPSE_COST },
    designs: entries,
    engine: { bytes: engineBytes, agrees, designs: counted },
  };
}

function fetchOnce(guest: Guest): (design: PostCopyDesign) => PostCopyResult {
  const known = new Map<number, PostCopyResult>();
  return ({ pieceBytes }) => {
    const result = known.get(pieceBytes) ?? postCopy({ ...guest, pieceBytes });
    known.set(pieceBytes, result);
    return result;
  };
}

function entryOf(
  guestBytes: number,
  design: PostCopyDesign,
  { faults, medianUs, p99Us, stalledUs, totalUs }: PostCopyResult,
): PostCopyEntry {
  const { id, title, pageBytes, pieceBytes, counting } = design;
  const schedules = counting === undefined ? [] : [AT_ONCE, IN_TWO_ROUNDS];
  return {
    ...{ id, title, pageBytes, pieceBytes },
    ...{ faults, medianUs, p99Us, stalledUs, totalUs },
    tableBytes: tablesOf(guestBytes, pieceBytes) * PAGE_BYTES,
    collapses: schedules.map((rounds) => {
      const { tables, ...cost } = collapse({ guestBytes }, design, rounds);
      return { rounds, ...cost, tableBytes: tables * PAGE_BYTES };
    }),
  };
}

function engineEntryOf(
  { id }: PostCopyDesign,
  rounds: readonly number[],
  { tables, fetch, collapses }: PostCopyCost,
): PostCopyEngineEntry {
  const { faults, locks, entriesWritten, tablesMade } = fetch;
  return {
    id,
    tableBytes: tables * PAGE_BYTES,
    ...{ faults, locks, entriesWritten, tablesMade },
    rounds: collapses.map(({ entriesWritten: written, flushes, locks: taken, ...left }, round) => ({
      toBytes: rounds[round]!,
      entriesWritten: written,
      flushes,
      locks: taken,
      tableBytes: left.tables * PAGE_BYTES,
    })),
  };
}

/** Whether the engine has the tables, and has changed the entries, that the collapse is said to. */
function isAsSaid(
  guestBytes: number,
  design: PostCopyDesign,
  rounds: readonly number[],
  { tables, collapses }: PostCopyCost,
): boolean {
  if (tables !== tablesOf(guestBytes, design.pieceBytes)) return false;
  let before: Pick<Collapse, 'entries'> = { entries: 0 };
  return collapses.every((found, round) => {
    const said = collapse({ guestBytes }, design, rounds.slice(0, round + 1));
    const entries = said.entries - before.entries;
    before = said;
    return found.tables === said.tables && found.entriesWritten === entries;
  });
}
