/** All that a trace says of the machine at one of its events. */
import { CHOICES, Kind, Mode } from '../trace/event.ts';
import { AT, type Cursor } from './cursor.ts';
import { Folios } from './folios.ts';
import { Obligations } from './obligations.ts';
import { Tables } from './tables.ts';

/** Who runs on a CPU: the number of the CPU and that of the actor in one. */
export type ActorKey = number;
export const actorKey = (cpu: number, actor: number): ActorKey => actor * 256 + cpu;
export const cpuOf = (key: ActorKey): number => key % 256;
export const actorOf = (key: ActorKey): number => Math.floor(key / 256);

export interface HeldLock {
  readonly holders: ReadonlyMap<ActorKey, 'exclusive' | 'shared'>;
  readonly waiting: ReadonlySet<ActorKey>;
}

/** What an actor is in the middle of, outermost first. */
type Stack = readonly string[];

const NO_LOCK: HeldLock = { holders: new Map(), waiting: new Set() };
/** Of an actor; deeper calls are not told apart. */
const STACK_MAX = 16;

export class State {
  readonly tables: Tables;
  readonly obligations: Obligations;
  readonly folios: Folios;
  locks: Map<number, HeldLock>;
  stacks: Map<ActorKey, Stack>;
  /** What the current step, all events of one time and actor, has touched so far. */
  touched = {
    entries: new Map<number, Set<number>>(),
    frames: new Set<number>(),
    locks: new Set<number>(),
  };
  #stepTime = -1;
  #stepActor = -1;

  constructor(from?: State) {
    this.tables = from?.tables.copy() ?? new Tables();
    this.obligations = from?.obligations.copy() ?? new Obligations();
    this.folios = from?.folios.copy() ?? new Folios();
    this.locks = new Map(from?.locks);
    this.stacks = new Map(from?.stacks);
    if (from !== undefined) {
      const { entries, frames, locks } = from.touched;
      this.touched = {
        entries: new Map([...entries].map(([table, indices]) => [table, new Set(indices)])),
        frames: new Set(frames),
        locks: new Set(locks),
      };
      this.#stepTime = from.#stepTime;
      this.#stepActor = from.#stepActor;
    }
  }

  /** Applies the event at the cursor. */
  apply(cursor: Cursor): void {
    const { kind } = cursor;
    this.#beginStep(cursor);
    if (kind >= Kind.lockWait && kind <= Kind.lockBusy) this.#applyLock(cursor);
    else if (kind >= Kind.entryWrite && kind <= Kind.folioFree) this.#applyMemory(cursor);
    else this.#applyOther(cursor);
  }

  #beginStep({ time, cpu, actor }: Cursor): void {
    const key = actorKey(cpu, actor);
    if (time === this.#stepTime && key === this.#stepActor) return;
    this.#stepTime = time;
    this.#stepActor = key;
    const { entries, frames, locks } = this.touched;
    entries.clear();
    frames.clear();
    locks.clear();
  }

  #applyLock(cursor: Cursor): void {
    const { kind } = cursor;
    const id = cursor.id(AT.lockWait.lock);
    const key = actorKey(cursor.cpu, cursor.actor);
    const before = this.locks.get(id) ?? NO_LOCK;
    const holders = new Map(before.holders);
    const waiting = new Set(before.waiting);
    const isShared = kind === Kind.lockDowngraded || cursor.word(AT.lockWait.mode) === Mode.shared;
    if (kind === Kind.lockWait) waiting.add(key);
    else if (kind === Kind.lockReleased) holders.delete(key);
    else if (kind !== Kind.lockBusy) {
      waiting.delete(key);
      holders.set(key, isShared ? 'shared' : 'exclusive');
    }
    this.touched.locks.add(id);
    if (holders.size + waiting.size === 0) this.locks.delete(id);
    else this.locks.set(id, { holders, waiting });
  }

  #applyMemory(cursor: Cursor): void {
    const { kind } = cursor;
    if (kind === Kind.folioAlloc) {
      const frame = cursor.id(AT.folioAlloc.frame);
      this.folios.alloc(frame, cursor.word(AT.folioAlloc.order));
      this.touched.frames.add(frame);
      return;
    }
    if (kind === Kind.folioFree) {
      const frame = cursor.id(AT.folioFree.frame);
      this.folios.free(frame);
      this.touched.frames.add(frame);
      return;
    }
    this.#applyTable(cursor);
  }

  #applyTable(cursor: Cursor): void {
    const { tables } = this;
    switch (cursor.kind) {
      case Kind.entryWrite: {
        const at = AT.entryWrite;
        const [table, index] = [cursor.id(at.table), cursor.word(at.index)];
        tables.write(table, index, cursor.word(at.after), cursor.word(at.after + 1));
        this.#touch(table, index);
        break;
      }
      case Kind.tableAlloc:
        tables.alloc(cursor.id(AT.tableAlloc.table));
        this.#touch(cursor.id(AT.tableAlloc.table));
        break;
      case Kind.tableFree:
        tables.free(cursor.id(AT.tableFree.table));
        break;
      case Kind.tableLink: {
        const { table, level, start } = AT.tableLink;
        const id = cursor.id(table);
        tables.link(id, linkOf(cursor), cursor.word(level), cursor.integer(start));
        this.#touch(id);
        break;
      }
      case Kind.tableUnlink:
        tables.unlink(cursor.id(AT.tableUnlink.table), linkOf(cursor));
        this.#touch(cursor.id(AT.tableUnlink.table));
    }
  }

  #applyOther(cursor: Cursor): void {
    const key = actorKey(cursor.cpu, cursor.actor);
    switch (cursor.kind) {
      case Kind.operationBegin: {
        const { operations } = cursor.trace;
        this.#enter(key, operations[cursor.word(AT.operationBegin.operation)]!.name);
        break;
      }
      case Kind.faultBegin:
        this.#enter(key, `fault (${CHOICES.access[cursor.word(AT.faultBegin.access)]})`);
        break;
      case Kind.operationEnd:
      case Kind.faultEnd:
        this.stacks.set(key, (this.stacks.get(key) ?? []).slice(0, -1));
        break;
      case Kind.obligationOpened:
        this.#openObligation(cursor);
        break;
      case Kind.obligationDischarged: {
        const { debtor, mm, start, end, open } = AT.obligationDischarged;
        const range = [cursor.integer(start), cursor.integer(end)] as const;
        const who = cursor.id(debtor);
        this.obligations.discharge(who, cursor.id(mm), ...range, cursor.word(open));
      }
    }
  }

  #openObligation(cursor: Cursor): void {
    const at = AT.obligationOpened;
    const obligation = {
      event: cursor.event,
      mm: cursor.id(at.mm),
      start: cursor.integer(at.start),
      end: cursor.integer(at.end),
      cpus: cursor.word(at.cpus),
      target: CHOICES.target[cursor.word(at.target)]!,
      id: cursor.id(at.id),
    };
    this.obligations.add(obligation, cursor.word(at.open));
  }

  #enter(key: ActorKey, what: string): void {
    const stack = this.stacks.get(key) ?? [];
    this.stacks.set(key, [...stack, what].slice(0, STACK_MAX));
  }

  #touch(table: number, index?: number): void {
    const { entries } = this.touched;
    const indices = entries.get(table) ?? new Set<number>();
    if (index !== undefined) indices.add(index);
    entries.set(table, indices);
  }
}

function linkOf(cursor: Cursor) {
  const { mm, parent, index } = AT.tableUnlink;
  return { mm: cursor.id(mm), parent: cursor.id(parent), index: cursor.word(index) };
}
