/** What a machine looks like between two steps: its tables, and what TLBs may still hold. */
import { W } from '../arch/index.ts';
import {
  frameAt,
  isMappedAt,
  isTableAt,
  type Machine,
  mappedFlagsAt,
  mappedFrameAt,
  SoftKind,
  softKindAt,
  tableAt,
} from '../mm/index.ts';
import type { Fact } from './scenario.ts';

/** Facts after which there is no more room for others. */
const FACTS_MAX = 400;
/** What the ledger has instead of a frame or table for pages that lost only the right to be written to. */
const STILL_MAPPED = -(2 ** 31);
const SOFT_NAMES = new Map(
  Object.entries(SoftKind).map(([name, kind]) => [kind, name.toLowerCase().replace('_', ' ')]),
);

/** Entries that are not empty, by address space; tables that are not linked; TLBs; frames. */
export function machineState(machine: Machine): Fact[] {
  return new StateReader(machine).read();
}

class StateReader {
  readonly #machine: Machine;
  readonly #facts: Fact[] = [];
  readonly #frames = new Set<number>();
  readonly #tables = new Set<number>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  read(): Fact[] {
    const { format, mms } = this.#machine;
    for (const { id, root } of mms.all()) this.#table(`mm ${id}`, root, format.levels - 1, 0);
    this.#stale();
    this.#unlinked();
    for (const frame of [...this.#frames].sort((one, other) => one - other)) this.#frame(frame);
    return this.#facts;
  }

  #say(of: string, is: string): void {
    if (this.#facts.length < FACTS_MAX) this.#facts.push({ of, is });
  }

  #table(mm: string, table: number, level: number, start: number): void {
    const { format, tableEntries, lanes } = this.#machine;
    this.#tables.add(table);
    for (let index = 0; index < 2 ** format.indexBits[level]!; index++) {
      const slot = table * tableEntries + index;
      if ((lanes[slot * 2]! | lanes[slot * 2 + 1]!) === 0) continue;
      const page = start + index * format.entryPages[level]!;
      const of = `${mm}: table ${table} entry ${index}`;
      if (level > 0 && isTableAt(this.#machine, slot, level)) {
        const below = tableAt(this.#machine, slot, level);
        const isFree = this.#machine.tableUsed[below] !== 1;
        this.#say(of, `table ${below}${isFree ? ', which is free' : ''}`);
        if (!isFree) this.#table(mm, below, level - 1, page);
      } else this.#say(`${of}, page ${hex(page)}`, this.#entry(slot, level));
    }
  }

  #entry(slot: number, level: number): string {
    const machine = this.#machine;
    const kind = softKindAt(machine, slot);
    if (isMappedAt(machine, slot, level)) {
      const frame = mappedFrameAt(machine, slot, level);
      this.#frames.add(frame);
      const right = (mappedFlagsAt(machine, slot) & W) === 0 ? 'read-only' : 'writable';
      return `frame ${frame}, ${kind === 0 ? right : 'for nobody'}`;
    }
    if (kind !== 0) return `${SOFT_NAMES.get(kind) ?? 'not present'} entry`;
    return `entry of frame ${frameAt(machine, slot, level)}`;
  }

  /** Translations that were taken away, and not yet flushed, as the ledger keeps them. */
  #stale(): void {
    const { size, ledger } = this.#machine;
    const [length, cpus, mms, starts, ends, targets, writable] = ledger.parts();
    for (let at = 0; at < length![0]!; at++) {
      const [start, end, target] = [starts![at]!, ends![at]!, targets![at]!];
      const pages = end - start === 1 ? `page ${hex(start)}` : `pages ${hex(start)}-${hex(end)}`;
      for (let cpu = 0; cpu < size.cpus; cpu++) {
        if ((cpus![at]! & (1 << cpu)) === 0) continue;
        const of = `TLB of CPU ${cpu}: mm ${mms![at]}, ${pages}`;
        this.#say(of, this.#translation(target, writable![at] === 1));
      }
    }
  }

  #translation(target: number, isWritable: boolean): string {
    if (target >= 0) {
      this.#frames.add(target);
      return `may lead to frame ${target}, ${isWritable ? 'writable' : 'read-only'}`;
    }
    if (target === STILL_MAPPED) return 'may still be written to';
    return `may lead through table ${-1 - target}`;
  }

  #unlinked(): void {
    const { tableUsed, size } = this.#machine;
    for (let table = 0; table < size.tables; table++) {
      if (tableUsed[table] === 1 && !this.#tables.has(table)) {
        this.#say(`table ${table}`, 'not linked, not free');
      }
    }
  }

  #frame(frame: number): void {
    const { frameReferences, frameMapcount } = this.#machine;
    const references = frameReferences[frame]!;
    const counts = `references: ${references}, mappings: ${frameMapcount[frame]}`;
    this.#say(`frame ${frame}`, references === 0 ? 'free' : counts);
  }
}

const hex = (page: number): string => `0x${page.toString(16)}`;
