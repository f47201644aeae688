/** The accesses of a run, what our walker makes of them, and where the hardware says otherwise. */
import type { EntryIndex, PteFormat, Vpn } from '../../src/arch/index.ts';
import { Access, Fault, type Updates, Walker } from '../../src/mmu/index.ts';
import type { Architecture, Ending } from './architectures.ts';
import { isData } from './board.ts';
import type { Answers, Guest, Requests } from './guest.ts';
import type { TableSet } from './random_memory.ts';

/** As the stubs number them. */
const KINDS: readonly Access[] = [
  Access.load,
  Access.store,
  Access.fetch,
  Access.privilegedLoad,
  Access.privilegedStore,
  Access.privilegedFetch,
];
const STORES = Access.store | Access.privilegedStore;
const WORDS = 4;
const DIFFERENCES_MAX = 20;

/** Draws what is accessed. */
export interface Source {
  page(): Vpn;
  below(end: number): number;
}

export interface Verdict {
  accesses: number;
  /** How many ended with each `Fault`, and with a page (0). */
  readonly endings: Map<number, number>;
  /** Lanes that hardware has changed: marks that it set. */
  marked: number;
  readonly differences: string[];
}

/** Runs `count` accesses over `tables` on both; marks `tables` as our walker does. */
export function compare(
  guest: Guest,
  architecture: Architecture,
  tables: TableSet,
  source: Source,
  count: number,
  updates: Updates,
): Verdict {
  const [original, physical] = [tables.lanes.slice(), tables.lanes.slice()];
  const plan = new Plan(guest.format, tables, updates, count);
  while (plan.count < count) plan.draw(source);
  const inMemory = { lanes: physical, origin: tables.origin, roots: tables.roots };
  const answers = guest.perform(inMemory, plan, updates);
  const verdict = plan.judge(architecture, answers);
  const refused = plan.markedThoughRefused(architecture);
  const accessed = 1 << guest.format.fields(0, 'leaf').accessed![0];
  for (let lane = 0; lane < original.length; lane++) {
    const ours = original[lane]! ^ tables.lanes[lane]!;
    const theirs = physical[lane]! ^ answers.lanes[lane]!;
    if (ours !== 0) verdict.marked++;
    const excused = refused.has(lane) ? accessed : 0;
    if (((ours ^ theirs) & ~(excused & ~ours)) !== 0)
      note(verdict, `lane ${lane}: ${hex(ours)}, but ${hex(theirs)}`);
  }
  return verdict;
}

function note({ differences }: Verdict, difference: string): void {
  if (differences.length < DIFFERENCES_MAX) differences.push(difference);
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** Accesses, and how ours end. */
class Plan implements Requests {
  readonly words: Uint32Array;
  readonly frames = new Set<number>();
  count = 0;
  readonly #format: PteFormat;
  readonly #tables: TableSet;
  readonly #walker: Walker;
  /** Walks before it is known whether the access is one to make. */
  readonly #scout: Walker;
  readonly #endings: Ending[] = [];
  /** The number of the last store to a frame. */
  readonly #stored = new Map<number, number>();

  constructor(format: PteFormat, tables: TableSet, updates: Updates, count: number) {
    const { lanes, origin } = tables;
    this.#format = format;
    this.#tables = tables;
    this.#walker = new Walker(format, { lanes, origin }, updates);
    this.#scout = new Walker(format, { lanes: lanes.slice(), origin }, updates);
    this.words = new Uint32Array(count * WORDS);
  }

  /** Adds an access, unless its page is not there to be used. */
  draw(source: Source): void {
    const format = this.#format;
    const page = source.page();
    const place = source.below(KINDS.length);
    const kind = KINDS[place]!;
    const root = this.#tables.roots[format.isUpper(page) ? 1 : 0];
    if (format.isCanonical(page)) {
      const frame = this.#scout.walk(root, page, kind);
      if (frame >= 0 && !isData(frame * 2 ** format.pageShift)) return;
    }
    const ending = this.#walk(root, page, kind);
    this.#endings.push(ending);
    if (ending.result >= 0) this.frames.add(ending.result);
    const at = this.count * WORDS;
    this.words[at] = page * 2 ** format.pageShift;
    this.words[at + 1] = Math.floor(page / 2 ** (32 - format.pageShift));
    this.words[at + 2] = place;
    this.count++;
    if (ending.result >= 0 && (kind & STORES) !== 0) this.#stored.set(ending.result, this.count);
  }

  #walk(root: EntryIndex, page: Vpn, kind: Access): Ending {
    const walker = this.#walker;
    if (!this.#format.isCanonical(page)) {
      return { kind, result: Fault.notCanonical, level: 0, lane: 0, low: 0, high: 0 };
    }
    const result = walker.walk(root, page, kind);
    const { level, place, low, high } = walker;
    return { kind, result, level, lane: place * 2, low, high };
  }

  /** Lanes that hardware may have marked accessed where we do not. */
  markedThoughRefused(architecture: Architecture): Set<number> {
    const refused = this.#endings.filter((ending) => {
      return ending.result < 0 && architecture.marksRefused(ending);
    });
    return new Set(refused.map(({ lane }) => lane));
  }

  judge(architecture: Architecture, { results, stored }: Answers): Verdict {
    const verdict: Verdict = {
      accesses: this.count,
      endings: new Map(),
      marked: 0,
      differences: [],
    };
    for (const [index, ending] of this.#endings.entries()) {
      const key = Math.min(ending.result, 0);
      verdict.endings.set(key, (verdict.endings.get(key) ?? 0) + 1);
      const words = results.subarray(index * WORDS, (index + 1) * WORDS);
      const difference = this.#differs(architecture, index, ending, words);
      if (difference !== undefined) note(verdict, difference);
    }
    for (const frame of this.frames) {
      const expected = this.#stored.get(frame) ?? 0;
      const found = stored.get(frame);
      if (found !== expected) note(verdict, `frame ${hex(frame)}: ${expected}, but ${found}`);
    }
    return verdict;
  }

  #differs(
    architecture: Architecture,
    index: number,
    ending: Ending,
    [code, word, low, high]: Uint32Array,
  ): string | undefined {
    const { kind, result, level } = ending;
    const entry = `${hex(ending.high)}:${hex(ending.low)}`;
    const address = this.words.subarray(index * WORDS, index * WORDS + 2);
    const expected = architecture.codeOf(ending);
    const isSame = architecture.settled(code!) === expected;
    const where = `access ${index} of kind ${kind} to ${hex(address[1]!)}:${hex(address[0]!)}`;
    const ours = `${where}: ${result} at level ${level}, ${entry}`;
    if (!isSame) return `${ours}: code ${hex(expected)}, but ${hex(code!)}`;
    if (result >= 0) {
      const isWrong = (kind & STORES) === 0 && word !== result;
      return isWrong ? `${ours}, but frame ${hex(word!)}` : undefined;
    }
    if (!architecture.hasAddress(result)) return undefined;
    // A load and a store go to words of the page.
    const isThere = (low! & ~63) === (address[0]! | 0) && high === address[1];
    return isThere ? undefined : `${ours}, but at ${hex(high!)}:${hex(low!)}`;
  }
}
