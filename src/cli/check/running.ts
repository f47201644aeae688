/** A search that is under way: the parts that are left of it, and what has come of the others. */
import {
  type Bound,
  type Estimate,
  type Finding,
  PARTS_MAX,
  type Part,
  type Scenario,
  SharedSearch,
  type SharedState,
} from '../../check/index.ts';
import { NO_FIGURES, sumOf } from './figures.ts';
import {
  type Figures,
  type Job,
  type PartOutcome,
  type SavedSearch,
  type SearchResult,
  type UnitResult,
  WHOLE,
} from './job.ts';

/** Of a part, before it is given back for others: many times what going on costs. */
const PATIENCE_MS = 50;
const PATIENCE_MS_MAX = 200;
/** For each of several threads that have none, so that one that has finished its own finds more. */
const PARTS_WANTED = 2;
/** Executions that are not worth handing out. */
const FEW = 10;
/** Finished parts after which it is seen whether parts are worth handing out. */
const TRIAL_PARTS = 24;
/** After so long, threads have had more to do than to wait for parts: what they did is not thrown away. */
const TRIAL_MS_MAX = 500;
/** Until parts are handed out again after they were not, at least. */
const RETRY_MS = 400;
/** The same, in times of what it took to see that they are not worth it. */
const RETRY_TIMES = 20;
const ROOT = { actor: 0, choice: 0, ways: 1, point: 0, isWhole: true, branches: [] } as const;

/** A search whose parts are handed out for the first time, and what it was before. */
interface Trial {
  readonly part: Part;
  readonly figures: Figures;
  readonly bounds: readonly Bound[];
  readonly begun: number;
  /** Finished parts, and their executions. */
  parts: number;
  executions: number;
}

export class Running {
  readonly job: Job;
  readonly index: number;
  readonly #begun = performance.now();
  readonly #bounds: Set<Bound>;
  /** Of the scenario, when it is shared; before, there is one part. */
  #search: SharedSearch | undefined;
  #only: Part | undefined;
  #figures: Figures;
  #finding: Finding | undefined;
  #isSymmetric = false;
  #probability: number | undefined;
  #stoppedBy: SearchResult['stoppedBy'];
  /** Of the executions of the whole, if there is one. */
  estimate: Estimate | undefined;
  /** Whether all of it was given back before there was a guess: the next part begins with one. */
  isGuessDue = false;
  /** Units that threads have. */
  underWay = 0;
  #patienceMs = PATIENCE_MS;
  #trial: Trial | undefined;
  /** Whether the parts that are under way are the last: the search goes back to before the trial. */
  #isFailing = false;
  #retryAt = 0;

  /** @param newScenario called once, if there are parts */
  static async open(
    job: Job,
    index: number,
    newScenario: () => Promise<Scenario>,
  ): Promise<Running> {
    const running = new Running(job, index);
    const tree = job.from?.tree;
    if (tree !== undefined && tree.branches.length > 0) {
      running.#search = new SharedSearch(await newScenario(), tree);
    } else running.#only = tree?.part ?? WHOLE;
    return running;
  }

  private constructor(job: Job, index: number) {
    this.job = job;
    this.index = index;
    this.#figures = job.from?.figures ?? NO_FIGURES;
    this.#bounds = new Set(job.from?.bounds);
  }

  get figures(): Figures {
    return this.#figures;
  }

  /** Of searching, that before a checkpoint included. */
  get seconds(): number {
    return (this.job.from?.seconds ?? 0) + (performance.now() - this.#begun) / 1000;
  }

  /** Whether there is nothing more to be done, now or later. */
  get isOver(): boolean {
    if (this.underWay > 0) return false;
    if (this.#isCut()) return true;
    return this.#search === undefined ? this.#only === undefined : this.#search.isDone;
  }

  /** How long a thread goes on with a part before it is asked for some of it. */
  get patienceMs(): number {
    return Math.max(this.#patienceMs, this.#retryAt - performance.now());
  }

  /** Executions that may still be begun. */
  get executionsLeft(): number | undefined {
    const { executionsMax } = this.job;
    const { executions, blocked, beyond } = this.#figures;
    return executionsMax && Math.max(executionsMax - executions - blocked - beyond, 0);
  }

  get hasFound(): boolean {
    return this.#finding !== undefined;
  }

  /**
   * Parts to be searched by one of several threads, if there are some now.
   *
   * @param free threads that have none, with the one that they are for
   */
  take(threads: number, free: number): readonly Part[] {
    if (this.#isCut() || this.#isFailing) return [];
    // With a number of executions, one thread counts them.
    if (this.job.executionsMax !== undefined && this.underWay > 0) return [];
    const parts = this.#take(threads, free);
    if (parts.length > 0) this.underWay++;
    return parts;
  }

  #take(threads: number, free: number): readonly Part[] {
    const wanted = free > 1 ? PARTS_WANTED * free : 1;
    const most = this.#trial === undefined ? PARTS_MAX : Math.ceil(TRIAL_PARTS / threads);
    if (this.#search !== undefined) return this.#search.take(threads, wanted, most);
    return this.#only === undefined || this.underWay > 0 ? [] : [this.#only];
  }

  /** Takes what came of parts that `take()` gave. */
  add(parts: readonly Part[], { outcomes, isGuessDue = false }: UnitResult): void {
    this.underWay--;
    this.isGuessDue ||= isGuessDue;
    for (const part of parts.slice(outcomes.length)) this.#search?.giveBack(part);
    for (const [at, outcome] of outcomes.entries()) {
      this.#finding ??= outcome.finding;
      if (!this.#isFailing) this.#count(parts[at]!, outcome);
    }
    const executions = outcomes.reduce((sum, { figures }) => sum + figures.executions, 0);
    const isSmall = outcomes.at(-1)!.rest === undefined && executions < FEW;
    const patience = isSmall ? this.#patienceMs * 2 : this.#patienceMs / 2;
    this.#patienceMs = Math.min(Math.max(patience, PATIENCE_MS), PATIENCE_MS_MAX);
    if (this.#isFailing && this.underWay === 0) this.#goBack();
  }

  #count(part: Part, result: PartOutcome): void {
    this.#figures = sumOf(this.#figures, result.figures);
    for (const bound of result.bounds) if (bound !== 'stopped') this.#bounds.add(bound);
    this.#isSymmetric = result.isSymmetric;
    this.#probability = result.probability;
    if (this.#search !== undefined) this.#search.add(part, result);
    else if (result.rest === undefined) this.#only = undefined;
    else this.#only = { path: result.rest.path, floor: 0 };
    if (result.rest === undefined) this.#try(result.figures);
  }

  /** Sees whether parts are worth handing out, once enough of them are finished. */
  #try({ executions }: Figures): void {
    const trial = this.#trial;
    if (trial === undefined || this.#search?.isDone) return;
    trial.parts++;
    trial.executions += executions;
    if (trial.parts < TRIAL_PARTS) return;
    const isLong = performance.now() - trial.begun >= TRIAL_MS_MAX;
    if (trial.executions < TRIAL_PARTS * FEW && !isLong) this.#isFailing = true;
    else this.#trial = undefined;
  }

  /** Handing out parts takes longer than searching them: one thread goes on from where it was. */
  #goBack(): void {
    const { part, figures, bounds, begun } = this.#trial!;
    this.#search = undefined;
    this.#only = part;
    this.#figures = figures;
    this.#bounds.clear();
    for (const bound of bounds) this.#bounds.add(bound);
    this.#trial = undefined;
    this.#isFailing = false;
    const now = performance.now();
    this.#retryAt = now + Math.max(RETRY_MS, RETRY_TIMES * (now - begun));
  }

  /** Lets several threads take parts from now on. */
  async share(newScenario: () => Promise<Scenario>): Promise<void> {
    if (this.#search !== undefined || performance.now() < this.#retryAt) return;
    const scenario = await newScenario();
    if (this.#search !== undefined || this.#only === undefined || this.underWay > 0) return;
    this.#trial = { ...this.#now(), part: this.#only };
    this.#search = new SharedSearch(scenario, treeOf(this.#only));
    this.#only = undefined;
  }

  stop(reason: 'timeout' | 'signal'): void {
    this.#stoppedBy ??= reason;
  }

  save(): SavedSearch {
    const tree = this.#search?.save() ?? treeOf(this.#only ?? WHOLE);
    const bounds = [...this.#bounds].filter((bound) => bound !== 'executions');
    return { tree, figures: this.#figures, bounds, seconds: this.seconds };
  }

  result(): SearchResult {
    const isLeft = this.#search === undefined ? this.#only !== undefined : !this.#search.isDone;
    const isCut = this.#finding === undefined && isLeft;
    const bounds = new Set(this.#bounds);
    const stoppedBy = this.#stoppedBy;
    if (isCut && stoppedBy !== undefined) bounds.add('stopped');
    return {
      ...this.#figures,
      finding: this.#finding,
      isSymmetric: this.#isSymmetric,
      bounds: [...bounds],
      isComplete: this.#finding === undefined && bounds.size === 0,
      seconds: this.seconds,
      ...(isCut && { saved: this.save() }),
      ...(isCut && stoppedBy && { stoppedBy }),
      ...(this.estimate && { estimate: this.estimate }),
      ...(this.#probability !== undefined && { probability: this.#probability }),
    };
  }

  #isCut(): boolean {
    const hasNoneLeft = this.executionsLeft === 0 && this.#bounds.has('executions');
    return this.#finding !== undefined || this.#stoppedBy !== undefined || hasNoneLeft;
  }

  #now(): Omit<Trial, 'part'> {
    const [figures, bounds, begun] = [this.#figures, [...this.#bounds], performance.now()];
    return { figures, bounds, begun, parts: 0, executions: 0 };
  }
}

function treeOf(part: Part): SharedState {
  return { ...ROOT, part };
}
