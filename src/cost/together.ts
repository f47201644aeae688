/**
 * Processes that go on at once, each on a CPU of its own: one step each in turn, whatever a step is.
 *
 * What has to wait is counted, not timed: a step is an access to something shared, and all of them
 * take as long. So figures of designs can be compared with each other, and with nothing else.
 */
import { assert } from '../base/assert.ts';
import type * as engine from '../mm/index.ts';
import type { Engine } from './setup.ts';

/** What was waited for, as Linux calls it. */
const NAMES: Readonly<Partial<Record<engine.ObjectKind, string>>> = {
  zoneLock: 'zone lock',
  mmapLock: 'mmap_lock',
  pageTableLock: 'page_table_lock',
  tableLock: 'page-table lock',
  hugetlbLock: 'hugetlb_lock',
  resvLock: 'lock of resv maps',
  faultMutex: 'hugetlb fault mutex',
  hugetlbVmaLock: 'hugetlb_vma_lock',
  inodeLock: 'i_rwsem',
  invalidateLock: 'invalidate_lock',
  iMmapLock: 'i_mmap_rwsem',
  pagesLock: 'i_pages lock',
  anonVmaLock: 'anon_vma lock',
  vmaReferences: 'VMA lock',
  folioLock: 'folio lock',
  cpu: 'other CPUs',
};

/** What was waited for, and for how long. */
export interface Wait {
  /** `mmap_lock` and so on; `other CPUs`: that they handle an interrupt, or leave a read section. */
  readonly for: string;
  readonly times: number;
  /** Turns in which a process stood there. */
  readonly turns: number;
}

export interface TogetherCost {
  /** Turns in which a process did something. */
  readonly steps: number;
  /** Of these, those that took a lock. */
  readonly locks: number;
  /** Most turns first. */
  readonly waits: Wait[];
}

interface Actor {
  readonly cpu: number;
  readonly operation: engine.Op<unknown>;
  /** Where it stands; `undefined` at its end. */
  at: engine.Point | undefined;
  isWaiting: boolean;
}

/**
 * @param mm the canonical build
 * @param programs of CPU 0, 1 and so on
 */
export function runTogether(
  mm: Engine,
  machine: engine.Machine,
  programs: readonly engine.Op<unknown>[],
): TogetherCost {
  const cpus = Array.from({ length: machine.size.cpus }, (_, cpu) => cpu);
  const begin = (operation: engine.Op<unknown>, cpu: number): Actor => {
    const { done, value } = operation.next();
    return { cpu, operation, at: done === true ? undefined : value, isWaiting: false };
  };
  const processes = programs.map(begin);
  const daemons = [
    ...cpus.map((cpu) => begin(mm.interruptActor(machine, cpu), cpu)),
    ...cpus.map((cpu) => begin(mm.callbackActor(machine, cpu), cpu)),
  ];
  const together = new Together(mm, machine);
  while (processes.some(({ at }) => at !== undefined)) {
    let isGoingOn = false;
    for (const each of processes) if (together.turn(each)) isGoingOn = true;
    for (const each of daemons) if (together.goOn(each)) isGoingOn = true;
    assert(isGoingOn, 'nobody waits for ever');
  }
  return together.cost();
}

class Together {
  readonly #mm: Engine;
  readonly #machine: engine.Machine;
  readonly #waits = new Map<string, { times: number; turns: number }>();
  #steps = 0;
  #locks = 0;

  constructor(mm: Engine, machine: engine.Machine) {
    this.#mm = mm;
    this.#machine = machine;
  }

  /** The turn of a process, in which it goes on or waits; whether it went on. */
  turn(actor: Actor): boolean {
    const { at, isWaiting } = actor;
    if (at === undefined) return false;
    if (!this.goOn(actor)) {
      this.#wait(at, isWaiting);
      actor.isWaiting = true;
      return false;
    }
    actor.isWaiting = false;
    this.#steps++;
    if (this.#isLock(at)) this.#locks++;
    return true;
  }

  /** Takes a step, if it can be taken now. */
  goOn(actor: Actor): boolean {
    const { at, cpu, operation } = actor;
    if (at === undefined || !this.#mm.mayGo(this.#machine, cpu, at)) return false;
    this.#mm.choose(this.#machine, 0);
    const { done, value } = operation.next();
    actor.at = done === true ? undefined : value;
    return true;
  }

  cost(): TogetherCost {
    const waits = Array.from(this.#waits, ([name, { times, turns }]) => ({
      for: name,
      times,
      turns,
    }));
    waits.sort((one, other) => other.turns - one.turns);
    return { steps: this.#steps, locks: this.#locks, waits };
  }

  #wait(at: engine.Point, isWaiting: boolean): void {
    const kind = this.#machine.objects.kindOf(this.#mm.objectOf(at));
    const name = NAMES[kind] ?? kind;
    const wait = this.#waits.get(name) ?? { times: 0, turns: 0 };
    if (!isWaiting) wait.times++;
    wait.turns++;
    this.#waits.set(name, wait);
  }

  #isLock(at: engine.Point): boolean {
    const { PointKind: Kind } = this.#mm;
    const kind = this.#mm.kindOf(at);
    return kind === Kind.LOCK || kind === Kind.LOCK_SHARED || kind === Kind.LOCK_FOLIO;
  }
}
