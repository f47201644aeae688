/** Which locks a walk holds at each entry, from the trace of the engine: the text of docs/walker.md. */
import assert from 'node:assert/strict';
import { formatById } from '../../src/arch/index.ts';
import * as mm from '../../src/mm/index.ts';
import { events, type TraceEvent, TraceWriter } from '../../src/trace/index.ts';

const PAGE = 4096;
const HUGE = 512;
const GIB = HUGE * HUGE;
const FIRST = 8 * GIB;
const MFD_HUGETLB = 4;
const FIXED = { SHARED: 0x11, PRIVATE: 0x12, ANONYMOUS: 0x20, NORESERVE: 0x4000 } as const;
const { LEGACY, UNIFIED } = mm.WalkForm;

/** One mapping of a process, of which the first page, or huge page, is there. */
interface Memory {
  readonly name: string;
  readonly pages: number;
  readonly flags: number;
  readonly isHugetlb: boolean;
  /** Whether its VMA is to be one without VM_HUGETLB, and so without a lock of its own. */
  readonly isPlain?: boolean;
}

export const MEMORIES: readonly Memory[] = [
  {
    name: 'a small page',
    pages: 1,
    flags: FIXED.PRIVATE + FIXED.ANONYMOUS,
    isHugetlb: false,
  },
  {
    name: 'a transparent huge page',
    pages: HUGE,
    flags: FIXED.PRIVATE + FIXED.ANONYMOUS,
    isHugetlb: false,
  },
  {
    name: 'hugetlb, in a table that two processes share',
    pages: GIB,
    flags: FIXED.SHARED + FIXED.NORESERVE,
    isHugetlb: true,
  },
  { name: 'hugetlb, private', pages: HUGE, flags: FIXED.PRIVATE, isHugetlb: true },
  {
    name: 'hugetlb in a VMA without VM_HUGETLB, as proposed',
    pages: HUGE,
    flags: FIXED.SHARED + FIXED.NORESERVE,
    isHugetlb: true,
    isPlain: true,
  },
];

function taskWith({ pages, flags, isHugetlb, isPlain }: Memory): mm.Task {
  const format = formatById('x86_64-4level')!;
  const size = { mms: 2, frames: 6 * HUGE, tables: 24, hugePages: 2, thp: 'always' } as const;
  const machine = new mm.Machine({ format, ...size });
  const task = mm.run(mm.newProcess(machine, 0))!;
  const file = isHugetlb ? (mm.memfdCreate(task, 1, MFD_HUGETLB) as mm.OpenFile) : undefined;
  const call = { address: FIRST * PAGE, length: pages * PAGE, prot: 3, flags, file, offset: 0 };
  assert.equal(mm.run(mm.mmap(task, call)), FIRST * PAGE);
  assert.equal(mm.run(mm.store(task, FIRST, 1)), 0);
  if (pages === GIB) mm.run(mm.load(mm.run(mm.fork(task, 0)) as mm.Task, FIRST));
  const vma = task.mm.vmas.at(FIRST)!;
  if (isPlain === true) vma.flags &= ~mm.VM.HUGETLB;
  return task;
}

/** Names each call of an entry in the trace. */
function noting(ops: mm.MmWalkOps<TraceWriter>): mm.MmWalkOps<TraceWriter> {
  const { pudEntry, pmdEntry, pteEntry, hugetlbEntry } = ops;
  const named = Object.entries({ pudEntry, pmdEntry, pteEntry, hugetlbEntry });
  const noted = named.map(([name, entry]) => [
    name,
    function* note(walk: mm.MmWalk<TraceWriter>, slot: number, page: number, end: number) {
      walk.state.note(name);
      return yield* entry!(walk, slot, page, end);
    },
  ]);
  return { ...ops, ...Object.fromEntries(noted) };
}

const OPS = noting(
  mm.leafOps<TraceWriter>(function* look({ task: { machine }, state }, slot) {
    yield mm.reading(machine.objects.entry(slot));
    state.note('look');
  }),
);

export interface Held {
  readonly entry: string;
  /** Locks that are held when it is called, in the order in which they were taken. */
  readonly locks: readonly string[];
}

/** Every call of a walk of the page, with what is held there. */
export function heldDuring(memory: Memory, form: mm.WalkForm): Held[] {
  const task = taskWith(memory);
  const { machine, cpu } = task;
  const trace = new TraceWriter({ clock: 'steps', format: machine.format.id });
  machine.traceTo(trace);
  const end = FIRST + Math.min(memory.pages, HUGE);
  mm.run(mm.mmapReadLock(machine, cpu, task.mm.id));
  assert.equal(mm.run(mm.walkPageRange(task, FIRST, end, OPS, trace, form)), 0);
  mm.run(mm.mmapReadUnlock(machine, cpu, task.mm.id));
  assert.equal(mm.violationOf(machine), undefined);
  const found: Held[] = [];
  for (const [locks, event] of withLocks(machine, trace)) {
    if (event.kind === 'note') found.push({ entry: event.text, locks });
  }
  return found;
}

/** Every event of a trace, with the locks that are held from it on, in the order of their taking. */
function* withLocks(
  machine: mm.Machine,
  trace: TraceWriter,
): Generator<readonly [readonly string[], TraceEvent]> {
  let held: readonly string[] = [];
  for (const event of events(trace.trace())) {
    if (event.kind === 'lockAcquired' || event.kind === 'lockReleased') {
      const mode = event.mode === 'shared' ? 'read' : 'write';
      const name = `${nameOf(machine.objects.describe(event.lock))} (${mode})`;
      const last = held.lastIndexOf(name);
      held = event.kind === 'lockAcquired' ? [...held, name] : held.toSpliced(last, 1);
    }
    yield [held, event];
  }
  assert.deepEqual(held, [], 'who takes locks drops them');
}

/** What changes tables, or holds pages: its locks are those that it holds most of. */
interface Call {
  readonly name: string;
  /** Whether userfaultfd tracks writes, so that no table is shared. */
  readonly isTracked?: true;
  readonly perform: (task: mm.Task, pages: number, form: mm.WalkForm) => mm.Op<unknown>;
}

const SCAN = {
  ...{ start: FIRST * PAGE, vecLength: 9, maxPages: 0, returnMask: 0x1ff },
  ...{ categoryInverted: 0, categoryMask: mm.PageIs.PRESENT, categoryAnyofMask: 0 },
};

export const CALLS: readonly Call[] = [
  {
    name: 'GUP',
    *perform(task, _, form) {
      yield* mm.unpin(task, yield* mm.getUserPageSlow(task, FIRST, mm.FOLL.GET, form));
    },
  },
  {
    name: 'PAGEMAP_SCAN',
    perform: (task, pages, form) =>
      mm.pagemapScan(task, { ...SCAN, end: (FIRST + pages) * PAGE, flags: 0 }, form),
  },
  {
    name: 'PAGEMAP_SCAN, protecting',
    isTracked: true,
    perform: (task, pages, form) =>
      mm.pagemapScan(
        task,
        { ...SCAN, end: (FIRST + pages) * PAGE, flags: mm.PmScan.WP_MATCHING },
        form,
      ),
  },
  {
    name: 'mprotect by a walk',
    perform: (task, pages, form) => mm.mprotect(task, FIRST * PAGE, pages * PAGE, 1, form),
  },
];

/** The locks that a call holds of the page when it holds most. */
export function mostLocks(memory: Memory, call: Call, form: mm.WalkForm): readonly string[] {
  const task = taskWith(memory);
  const { machine } = task;
  if (call.isTracked === true) track(task, memory);
  const trace = new TraceWriter({ clock: 'steps', format: machine.format.id });
  machine.traceTo(trace);
  mm.run(call.perform(task, memory.pages, form));
  assert.equal(mm.violationOf(machine), undefined);
  let most: readonly string[] = [];
  for (const [locks] of withLocks(machine, trace)) if (locks.length >= most.length) most = locks;
  return most;
}

/** Has writes to all of the memory tracked: its page is mapped again if a table was given up. */
function track(task: mm.Task, { pages }: Memory): void {
  const uffd = mm.userfaultfd(task, 1) as mm.Userfaultfd;
  const { PAGEFAULT_FLAG_WP, WP_HUGETLBFS_SHMEM, WP_UNPOPULATED, WP_ASYNC } = mm.UffdFeature;
  const features = PAGEFAULT_FLAG_WP | WP_HUGETLBFS_SHMEM | WP_UNPOPULATED | WP_ASYNC;
  mm.uffdioApi(task, uffd, 0xaa, features);
  const registered = mm.run(
    mm.uffdioRegister(task, uffd, FIRST * PAGE, pages * PAGE, mm.UffdMode.WP),
  );
  assert.equal(registered.result, 0);
  mm.run(mm.store(task, FIRST, 1));
}

/** Locks by what they are, without numbers. */
function nameOf(object: string): string {
  return object.replace(/ of mm| of inode| \d+/g, '').replace('lock of table', 'page-table lock');
}

/** For docs/walker.md: what each form holds where it looks at the page, */
export function lockTable(): string {
  const rows = MEMORIES.map((memory) => {
    const [legacy, unified] = [LEGACY, UNIFIED].map((form) => cellOf(heldDuring(memory, form)));
    return `| ${memory.name} | ${legacy} | ${unified} |`;
  });
  return ['| a walk of | legacy | unified |', '|---|---|---|', ...rows].join('\n');
}

function cellOf(calls: readonly Held[]): string {
  const at = calls.findIndex(({ entry }) => entry === 'look');
  const entries = calls.slice(0, at).map(({ entry }) => `\`${entry}\``);
  return `${entries.join(', ')}: ${calls[at]!.locks.join(', ')}`;
}

/** and what calls hold, which is the same in both. */
export function callTable(): string {
  const rows = CALLS.flatMap((call) =>
    MEMORIES.filter(({ isPlain }) => isPlain !== true || call.isTracked !== true).map((memory) => {
      const [legacy, unified] = [LEGACY, UNIFIED].map((form) => mostLocks(memory, call, form));
      assert.deepEqual(unified, legacy, 'both forms hold the same');
      return `| ${call.name} | ${memory.name} | ${legacy!.join(', ')} |`;
    }),
  );
  return ['| a call | of | legacy and unified |', '|---|---|---|', ...rows].join('\n');
}
