/** Page tables as a trace tells them: what it does not tell is not there. */
import assert from 'node:assert/strict';
import { FrameFlag, type Machine } from '../../src/mm/index.ts';
import type { TraceEvent } from '../../src/trace/index.ts';

/** In the flags of a frame. */
const ORDER_SHIFT = 11;

interface Link {
  readonly parent: number;
  readonly index: number;
}

export class ShadowTables {
  readonly #entries: number;
  readonly #tables = new Map<number, Uint32Array>();
  readonly #links = new Map<number, Link>();
  /** Orders, by first frame. */
  readonly #folios = new Map<number, number>();
  /** How many events of each kind there were. */
  readonly counts = new Map<string, number>();

  constructor(entries: number) {
    this.#entries = entries;
  }

  apply(event: TraceEvent): void {
    this.counts.set(event.kind, (this.counts.get(event.kind) ?? 0) + 1);
    switch (event.kind) {
      case 'tableAlloc':
        assert.ok(!this.#tables.has(event.table), 'a table is allocated once');
        this.#tables.set(event.table, new Uint32Array(2 * this.#entries));
        break;
      case 'tableFree':
        assert.ok(this.#tables.delete(event.table), 'a table that is freed was allocated');
        assert.ok(!this.#links.has(event.table), 'a table that is freed is not linked');
        break;
      case 'tableLink':
        assert.ok(!this.#links.has(event.table), 'a table is linked once');
        this.#links.set(event.table, { parent: event.parent, index: event.index });
        break;
      case 'tableUnlink': {
        const { parent, index } = event;
        assert.deepEqual(this.#links.get(event.table), { parent, index });
        this.#links.delete(event.table);
        break;
      }
      case 'entryWrite': {
        const table = this.#tables.get(event.table);
        assert.ok(table !== undefined, 'a table that is written to is there');
        const { index, before, after } = event;
        assert.deepEqual({ low: table[2 * index], high: table[2 * index + 1] }, before);
        table.set([after.low, after.high], 2 * index);
        break;
      }
      case 'folioAlloc':
        assert.ok(!this.#folios.has(event.frame), 'a folio is allocated once');
        this.#folios.set(event.frame, event.order);
        break;
      case 'folioFree':
        assert.equal(this.#folios.get(event.frame), event.order);
        this.#folios.delete(event.frame);
        break;
      default:
    }
  }

  /** Asserts that `machine` has these folios: those of the trace, but for pages of zeroes. */
  assertSameFolios({ frameFlags, frameReferences }: Machine): void {
    const own = [...frameReferences.keys()].filter((frame) => {
      const isTail = (frameFlags[frame]! & FrameFlag.TAIL) !== 0;
      return frameReferences[frame]! > 0 && !isTail && !isZeroPage(frame);
    });
    const told = [...this.#folios].filter(([frame]) => !isZeroPage(frame));
    assert.deepEqual(
      told.sort(([one], [other]) => one - other),
      own.map((frame) => [frame, frameFlags[frame]! >>> ORDER_SHIFT]),
    );

    function isZeroPage(frame: number): boolean {
      return (frameFlags[frame]! & FrameFlag.RESERVED) !== 0;
    }
  }

  /** Asserts that these are the tables of `machine`, and that each has the links that it says. */
  assertSame(machine: Machine): void {
    const { lanes, tableUsed, format } = machine;
    for (const [table, used] of tableUsed.entries()) {
      const own = this.#tables.get(table);
      assert.equal(own !== undefined, used === 1, `table ${table} is there, or not`);
      if (own === undefined) continue;
      const start = table * own.length;
      assert.deepEqual(own, lanes.slice(start, start + own.length), `table ${table}`);
    }
    for (const { id, root } of machine.mms.all()) {
      assert.equal(this.#links.get(root)?.parent, -1, `the root of mm ${id}`);
    }
    for (const [table, { parent, index }] of this.#links) {
      if (parent < 0) continue;
      const [low, high] = this.#tables.get(parent)!.slice(2 * index, 2 * index + 2);
      const levels = [1, 2, 3, 4].filter((level) => level < format.levels);
      const isThere = levels.some(
        (level) =>
          format.isTable(low!, high!, level) &&
          format.table(low!, high!, level) / machine.tableEntries - machine.size.frames === table,
      );
      assert.ok(isThere, `table ${table} is linked where the trace says`);
    }
  }
}
