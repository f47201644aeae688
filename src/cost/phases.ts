/** The life of a population in the engine, in phases, and what each phase costs. */
import type * as engine from '../mm/index.ts';
import { MmuCount, WalkCount } from '../mmu/index.ts';
import { Count } from '../trace/index.ts';
import type { Stage } from './stage.ts';

/** What was counted while a phase went on. */
export interface PhaseCost {
  readonly phase: Phase | 'script';
  readonly faults: number;
  /** Flushes by a CPU of its own TLB; of these, of all that it holds. */
  readonly flushes: number;
  readonly fullFlushes: number;
  readonly ipis: number;
  readonly locks: number;
  readonly entriesWritten: number;
  readonly tablesMade: number;
  readonly accesses: number;
  readonly tlbMisses: number;
  /** Entries of tables that walks have read. */
  readonly walkReferences: number;
}

/**
 * `script`: a script is run. Of others, `populate`: everything is mapped, forked and touched. `read`: each process reads all of its pages
 * once, in turns. `migrate`: the kernel moves pages that many have in use, as compaction does. `exit`:
 * all processes end.
 */
export type Phase = 'populate' | 'read' | 'migrate' | 'exit';

/** How many pages compaction moves. */
const MIGRATED_PAGES = 64;

export function runPhase(stage: Stage, phase: Phase): PhaseCost {
  return countWhile(stage, phase, () => PERFORM[phase](stage));
}

/** Who runs, and what has counted it. */
export type Watched = Pick<Stage, 'machine' | 'tally'>;

export function countWhile<Name extends string>(
  stage: Watched,
  phase: Name,
  perform: () => void,
): Counters & { readonly phase: Name } {
  const before = readCounters(stage);
  perform();
  const after = readCounters(stage);
  const since = (name: keyof Counters): number => after[name] - before[name];
  return {
    phase,
    faults: since('faults'),
    flushes: since('flushes'),
    fullFlushes: since('fullFlushes'),
    ipis: since('ipis'),
    locks: since('locks'),
    entriesWritten: since('entriesWritten'),
    tablesMade: since('tablesMade'),
    accesses: since('accesses'),
    tlbMisses: since('tlbMisses'),
    walkReferences: since('walkReferences'),
  };
}

const PERFORM: Readonly<Record<Phase, (stage: Stage) => void>> = {
  populate: (stage) => stage.populate(),
  read: readAll,
  migrate: migrateCommon,
  exit: exitAll,
};

export type Counters = Omit<PhaseCost, 'phase'>;

function readCounters({ tally, machine }: Watched): Counters {
  const { counters } = tally;
  let [accesses, tlbMisses, walkReferences] = [0, 0, 0];
  for (const mmu of machine.mmus) {
    accesses += mmu.counters[MmuCount.accesses]!;
    tlbMisses += mmu.counters[MmuCount.misses]!;
    walkReferences += mmu.walker.counters[WalkCount.entriesRead]!;
  }
  return {
    faults: counters[Count.faults]!,
    flushes: counters[Count.flushes]!,
    fullFlushes: counters[Count.fullFlushes]!,
    ipis: counters[Count.ipis]!,
    locks: counters[Count.locks]!,
    entriesWritten: counters[Count.entriesWritten]!,
    tablesMade: counters[Count.tablesMade]!,
    accesses,
    tlbMisses,
    walkReferences,
  };
}

function readAll(stage: Stage): void {
  const { mm, places } = stage;
  for (const [index, own] of places.entries()) {
    const task = stage.as(index);
    for (const { start, end } of own) {
      for (let page = start; page < end; page++) mm.run(mm.load(task, page));
    }
  }
}

/** The first pages of the largest place that is in most processes. */
function migrateCommon(stage: Stage): void {
  const { mm } = stage;
  const common = commonPlace(stage);
  if (common === undefined) return;
  const { task, start } = ownerOf(stage, common);
  mm.run(mm.migratePages(task, start, start + Math.min(MIGRATED_PAGES, common.end - common.start)));
}

/** Who has the tables for a place: of a region, its host. */
function ownerOf(
  stage: Stage,
  { process, start }: Common,
): { readonly task: engine.Task; readonly start: number } {
  const { mm, machine } = stage;
  const task = stage.as(process);
  const vma = task.mm.vmas.at(start);
  if (vma?.file?.design !== mm.MSHARE) return { task, start };
  const region = mm.regionOfInode(machine, vma.file.inode)!;
  const host = { ...task, mm: mm.hostOf(machine, region) };
  return { task: host, start: mm.hostPage(machine, vma, start) };
}

interface Common {
  readonly process: number;
  readonly start: number;
  readonly end: number;
}

/** By the first frame of each place: the one that most processes have, and of those the largest. */
function commonPlace(stage: Stage): Common | undefined {
  const found = new Map<number, Common & { users: number }>();
  for (const [process, own] of stage.places.entries()) {
    const task = stage.as(process);
    for (const { start, end } of own) {
      const frame = frameOf(stage, task, start);
      if (frame === undefined) continue;
      const known = found.get(frame);
      if (known !== undefined) known.users++;
      else found.set(frame, { process, start, end, users: 1 });
    }
  }
  const most = [...found.values()].toSorted(
    (a, b) => b.users - a.users || b.end - b.start - (a.end - a.start),
  )[0];
  return most;
}

/** The frame that `page` is mapped to, by the tables. */
function frameOf({ mm, machine }: Stage, task: engine.Task, page: number): number | undefined {
  let table = task.mm.root;
  for (let level = machine.format.levels - 1; ; level--) {
    const slot = table * machine.tableEntries + machine.format.index(page as never, level);
    if (!mm.isPresentAt(machine, slot)) return undefined;
    if (level === 0 || !mm.isTableAt(machine, slot, level)) {
      return mm.frameAt(machine, slot, level) + (page % machine.format.entryPages[level]!);
    }
    table = mm.tableAt(machine, slot, level);
  }
}

function exitAll(stage: Stage): void {
  for (const index of stage.tasks.keys()) {
    stage.mm.run(stage.mm.exit(stage.as(index)));
    stage.tasks[index] = undefined;
  }
}
