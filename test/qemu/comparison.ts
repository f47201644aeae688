/** The accesses of a run, what our walker makes of them, and where the hardware says otherwise. */
import assert from 'node:assert/strict';
import { ACCESSED, type PteFormat, R, type Vpn } from '../../src/arch/index.ts';
import { Access, Fault, type Updates, Walker } from '../../src/mmu/index.ts';
import type { Architecture, Ending } from './architectures.ts';
import { isData, STUB_BYTES, STUB_START } from './board.ts';
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
  tables: TableSet,
  source: Source,
  count: number,
  updates: Updates,
): Verdict {
  const [original, physical] = [tables.lanes.slice(), tables.lanes.slice()];
  const plan = new Plan(guest, tables, updates, count);
  // Most draws give an access; where hardly any does, there is nothing to compare.
  for (let draws = 0; plan.count < count; draws++) {
    assert.ok(
      draws < 100 * count,
      `${plan.count} accesses in ${draws} draws: too few can be judged`,
    );
    plan.draw(source);
  }
  const inMemory = { lanes: physical, origin: tables.origin, roots: tables.roots };
  const answers = guest.perform(inMemory, plan, updates);
  const verdict = plan.judge(answers);
  const refused = plan.markedThoughRefused();
  const accessed = guest.format.flagBitsLow(R | ACCESSED) ^ guest.format.flagBitsLow(R);
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
  readonly #architecture: Architecture;
  readonly #format: PteFormat;
  readonly #tables: TableSet;
  readonly #walker: Walker;
  /** Walks before it is known whether the access is one to make. */
  readonly #scout: Walker;
  readonly #endings: Ending[] = [];
  /** The number of the last store to a frame. */
  readonly #stored = new Map<number, number>();

  constructor(guest: Guest, tables: TableSet, updates: Updates, count: number) {
    const { architecture, format } = guest;
    const { lanes, origin } = tables;
    this.#architecture = architecture;
    this.#format = format;
    this.#tables = tables;
    this.#walker = new Walker(format, { lanes, origin }, updates);
    this.#scout = new Walker(format, { lanes: lanes.slice(), origin }, updates);
    this.words = new Uint32Array(count * WORDS);
  }

  /** Adds an access, unless its page is not there to be used, or QEMU is known to be wrong. */
  draw(source: Source): void {
    const { pageShift } = this.#format;
    const page = source.page();
    const place = source.below(KINDS.length);
    const kind = KINDS[place]!;
    const address = page * 2 ** pageShift;
    const { isMapped } = this.#architecture;
    // In machine mode of riscv64, the TLB of QEMU 7.2 keeps the stub's own pages for MPRV, too.
    if (!isMapped && STUB_START <= address && address < STUB_START + STUB_BYTES) return;
    const expected = this.#walk(this.#scout, page, kind);
    const { result } = expected;
    if (result >= 0 && !isData(result * 2 ** pageShift)) return;
    if (!this.#architecture.isJudged(expected)) return;
    this.#endings.push(this.#walk(this.#walker, page, kind));
    const at = this.count * WORDS;
    this.words[at] = address;
    this.words[at + 1] = Math.floor(address / 2 ** 32);
    this.words[at + 2] = place;
    this.count++;
    if (result < 0) return;
    this.frames.add(result);
    if ((kind & STORES) !== 0) this.#stored.set(result, this.count);
  }

  #walk(walker: Walker, page: Vpn, kind: Access): Ending {
    const format = this.#format;
    if (!format.isCanonical(page)) {
      return { kind, result: Fault.notCanonical, level: 0, lane: 0, low: 0, high: 0 };
    }
    const root = this.#tables.roots[format.isUpper(page) ? 1 : 0];
    const result = walker.walk(root, page, kind);
    const { level } = walker;
    const lane = walker.place * 2;
    // As the hardware sees it: the scout has marked pages that are never accessed.
    const [low, high] = [this.#tables.lanes[lane]!, this.#tables.lanes[lane + 1]!];
    return { kind, result, level, lane, low, high };
  }

  /** Lanes that hardware may have marked accessed where we do not. */
  markedThoughRefused(): Set<number> {
    const refused = this.#endings.filter((ending) => {
      return ending.result < 0 && this.#architecture.marksRefused(ending);
    });
    return new Set(refused.map(({ lane }) => lane));
  }

  judge({ results, stored }: Answers): Verdict {
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
      const difference = this.#differs(index, ending, words);
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
    index: number,
    ending: Ending,
    [code, word, low, high]: Uint32Array,
  ): string | undefined {
    const { kind, result, level } = ending;
    const entry = `${hex(ending.high)}:${hex(ending.low)}`;
    const address = this.words.subarray(index * WORDS, index * WORDS + 2);
    const architecture = this.#architecture;
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
