/** Hosts of few processes, and what happens on them, about which shapes and engine once disagreed. */
import type { RandomEvent } from './random_events.ts';
import type { Host } from './random_hosts.ts';

type Known = [random: Host, happening: RandomEvent[]];

/** Of all of the first mapping. */
function event(what: RandomEvent['what'], process: number): RandomEvent {
  return { what, process, mapping: 0, from: 0, length: 8, isAligned: false, isWritable: false };
}

const nothing = { mappings: [], isUsual: false, heap: 0, written: 0 };

/** All that a PMD table spans, and more. */
const large = { object: 1, place: 6, tables: 1, isShared: false };

/** Who moves pages of hugetlb from tables that nobody shares has none to share where they are then. */
const movesAlone: Known = [
  {
    processes: [
      { ...nothing, mappings: [{ ...large, isWritable: false }] },
      { ...nothing, mappings: [{ ...large, isWritable: true }] },
    ],
    common: [],
    family: 0,
  },
  [event('restore', 0), event('move', 0)],
];

/** Parent and child write all that fork made common: each takes memory of its own. */
const eachWritesAll: Known = [
  { processes: [nothing], common: [], family: 2 },
  [event('fork', 0), event('fork', 0), event('discard', 0), event('discard', 1)],
];

const ofFile = { object: 2, place: 0, tables: 1, isShared: false, isWritable: false };
const rest: RandomEvent = { ...event('protect', 0), from: 1, isWritable: true };

/** The rest of a table of the process's own pages is written, too, which a child has of the file. */
const writesRest: Known = [
  { processes: [{ ...nothing, mappings: [ofFile] }], common: [], family: 0 },
  [rest, event('fork', 0), event('restore', 0), event('discard', 0)],
];

const segment = { object: 0, place: 6, isShared: true, isWritable: true };

/** Who moves a mapping moves the tables, too, that another has filled while they were shared. */
const movesFilled: Known = [
  {
    processes: [
      { ...nothing, mappings: [{ ...segment, tables: 2 }] },
      { ...nothing, mappings: [{ ...segment, tables: 3 }] },
    ],
    common: [],
    family: 0,
  },
  [
    { ...event('protect', 1), length: 1 },
    event('restore', 1),
    event('discard', 1),
    event('move', 0),
  ],
];

export const KNOWN: Known[] = [movesAlone, eachWritesAll, writesRest, movesFilled];
