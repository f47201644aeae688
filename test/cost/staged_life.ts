/** A host under a design, in the engine and in shapes at once: both have the same happen to them. */
import assert from 'node:assert/strict';
import { call, type ProcessEvent, touchAgain } from '../../src/cost/happen.ts';
import { populationOf } from '../../src/cost/population.ts';
import { Stage } from '../../src/cost/stage.ts';
import type { HostSnapshot } from '../../src/snapshot/records.ts';
import type { Evaluation } from '../../src/whatif/evaluate.ts';
import { Life } from '../../src/whatif/life.ts';
import { BLANKED } from '../designs/builds.ts';
import { eventOf, type RandomEvent, rangeIn } from './random_events.ts';

const PAGE_BYTES = 4096;

export class StagedLife {
  readonly #before: HostSnapshot;
  readonly #evaluation: Evaluation;
  readonly #stage: Stage;
  readonly #forksMax: number;
  #life: Life;
  #events = 0;
  /** Whether fewer have shared tables after the last event than before. */
  hasUnshared = false;
  /** Whether who discarded pages in the last event has a huge page in place of a table since. */
  hasFoundWhole = false;
  readonly #detached = new Set<string>();

  constructor(before: HostSnapshot, evaluation: Evaluation, forksMax: number) {
    this.#before = before;
    this.#evaluation = evaluation;
    this.#forksMax = forksMax;
    const { design, outcome } = evaluation;
    const population = populationOf(outcome.snapshot);
    this.#stage = new Stage(BLANKED, population, design.id, before, { cpus: 4 });
    this.#stage.populate();
    this.#life = new Life(outcome);
    this.check();
  }

  /** @returns whether there was something to do */
  perform(random: RandomEvent): boolean {
    const before = this.#shares();
    this.hasFoundWhole = false;
    const isDone = this.#perform(random);
    this.hasUnshared = this.#shares() < before;
    return isDone;
  }

  #perform(random: RandomEvent): boolean {
    if (random.what === 'region') return this.#unmapInRegion(random);
    if (random.what === 'detach') return this.#detach(random);
    const mm = this.#processOf(random);
    const event = eventOf(
      this.#life,
      this.#evaluation.outcome.snapshot,
      random,
      mm,
      this.#events++,
    );
    if (event === undefined || !this.#isAllowed(event)) return false;
    const next = this.#life.after(event);
    this.hasFoundWhole = event.what === 'discard' && next.tables() < this.#life.tables();
    // Whose of several tables is shared then is not said: such an event is passed over.
    if (next.isOpen) return false;
    assert.equal(call(this.#stage, event, this.#life.mms.length), 0);
    this.#life = next;
    touchAgain(this.#stage, next, event, this.#evaluation.design.id === 'identical');
    return true;
  }

  check(): void {
    assert.equal(this.#tables() * PAGE_BYTES, this.#life.tables() * PAGE_BYTES);
  }

  audit(): void {
    BLANKED.audit(this.#stage.machine);
    assert.equal(BLANKED.violationOf(this.#stage.machine), undefined);
  }

  #tables(): number {
    const { machine } = this.#stage;
    const { design } = this.#evaluation;
    if (design.id !== 'identical') return machine.tableUsed.reduce((sum, used) => sum + used, 0);
    return BLANKED.identicalTables(machine).distinct + machine.mms.all().length;
  }

  #shares(): number {
    return this.#stage.machine.tableShares.reduce((sum, shares) => sum + shares, 0);
  }

  /** Processes that live: not the regions of mshare, which stand behind the host's own. */
  #living(): number[] {
    const regions = this.#evaluation.outcome.snapshot.mms.length;
    return [...this.#life.mms.keys()].filter(
      (index) =>
        this.#life.mms[index] !== undefined &&
        (index < this.#before.mms.length || index >= regions),
    );
  }

  #processOf({ process }: RandomEvent): number {
    const living = this.#living();
    return living[process % living.length]!;
  }

  #isAllowed({ what }: ProcessEvent): boolean {
    if (what === 'exit') return this.#living().length > 1;
    const made = this.#life.mms.length - this.#evaluation.outcome.snapshot.mms.length;
    return what !== 'fork' || made < this.#forksMax;
  }

  /** A process takes a part of a region away from all who have it attached. */
  #unmapInRegion(random: RandomEvent): boolean {
    const found = this.#regionOf(random);
    if (found === undefined) return false;
    const { region, process, vma } = found;
    const isHuge = this.#evaluation.outcome.snapshot.objects[vma.object]!.kind === 'hugetlb';
    const { start, end } = rangeIn(vma, random, random.isAligned || isHuge);
    if (start >= end) return false;
    const { file } = this.#stage.regions[region]!;
    const [offset, size] = [start - regionStart(this.#evaluation, region), end - start];
    const range = { regionOffset: offset * PAGE_BYTES, size: size * PAGE_BYTES };
    const task = this.#stage.as(process);
    const { UNMAP } = BLANKED.MSHAREFS;
    const result = BLANKED.run(
      BLANKED.ioctl(BLANKED.V3, task, file, UNMAP, BLANKED.encodeUnmap(range), {
        files: () => undefined,
      }),
    );
    assert.equal(result, 0);
    const mm = this.#before.mms.length + region;
    this.#life = this.#life.after({ what: 'unmap', mm, start, end });
    return true;
  }

  /** A process takes a region out of its own address space: tables of all others stay. */
  #detach(random: RandomEvent): boolean {
    const found = this.#regionOf(random);
    if (found === undefined) return false;
    const { region, process } = found;
    const { places, pages } = this.#stage.regions[region]!;
    const task = this.#stage.as(process);
    const result = BLANKED.run(
      BLANKED.munmap(task, places.get(process)! * PAGE_BYTES, pages * PAGE_BYTES),
    );
    assert.equal(result, 0);
    this.#detached.add(`${region}:${process}`);
    const mm = this.#before.mms.length + region;
    this.#life = this.#life.after({ what: 'detach', mm: process, region: mm });
    return true;
  }

  #regionOf({ process, mapping }: RandomEvent) {
    const { regions } = this.#stage;
    const index = mapping % Math.max(regions.length, 1);
    const living = [...(regions[index]?.places.keys() ?? [])].filter(
      (one) => this.#life.mms[one] !== undefined && !this.#detached.has(`${index}:${one}`),
    );
    const vmas = this.#life.mms[this.#before.mms.length + index]?.vmas ?? [];
    const vma = vmas[process % Math.max(vmas.length, 1)];
    if (living.length === 0 || vma === undefined) return undefined;
    return { region: index, process: living[process % living.length]!, vma };
  }
}

/** Where a region starts in its host, as the shapes have it. */
function regionStart({ outcome }: Evaluation, region: number): number {
  const first =
    outcome.snapshot.mms.length - outcome.snapshot.mms.filter(({ pid }) => pid === 0).length;
  return outcome.snapshot.mms[first + region]!.vmas[0]!.start;
}
