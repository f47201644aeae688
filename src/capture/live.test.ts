/** Captures of the running kernel: what runs explain must be VmPTE, which is the kernel's own word. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { alone } from '../../test/live/alone.ts';
import { temporaryFolder } from '../../test/live/at_end.ts';
import { raiseHugePages } from '../../test/live/huge_pages.ts';
import { type Judge, judgedTest, programs, root } from '../../test/live/judge.ts';
import { vmPtePages } from '../../test/live/kernel_counters.ts';
import { type RunningProgram, start } from '../../test/live/programs.ts';
import { geometryById } from '../arch/geometry.ts';
import { type HostSnapshot, type Mm, RunKind } from '../snapshot/records.ts';
import { validateSnapshot } from '../snapshot/validate.ts';
import { type CaptureOptions, captureHost } from './capture.ts';
import { countTables } from './runs.ts';

const judges = [root, programs('gcc')];

interface LiveLayout {
  readonly pid: number;
  /** Second process of the layouts that have one. */
  readonly otherPid: number;
  /** First slot of the region and first one behind it. */
  readonly start: number;
  readonly end: number;
}

let compiled: string | undefined;

/** Runs `use` while a layout of `layouts.c` is there. */
async function withLayout(
  name: string,
  use: (layout: LiveLayout) => void | Promise<void>,
): Promise<void> {
  if (compiled === undefined) {
    const source = fileURLToPath(new URL('../../../src/capture/layouts.c', import.meta.url));
    compiled = join(temporaryFolder(), 'layouts');
    execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-o', compiled, source]);
  }
  await withProgram([compiled, name], async (program) => {
    const other = name.endsWith('forked') ? await program.line(/^other/) : '';
    const [, from, to] = (await program.line(/^ready/)).split(' ').map(Number);
    await use({
      pid: program.pid,
      otherPid: Number(other.split(' ')[1]),
      start: from! / 2 ** 21,
      end: Math.ceil(to! / 2 ** 21),
    });
  });
}

async function withProgram(
  [program, ...rest]: readonly string[],
  use: (running: RunningProgram) => Promise<void>,
): Promise<void> {
  // As a process group of its own, so that what it starts ends with it.
  const running = start(program!, rest, { detached: true });
  try {
    await use(running);
  } finally {
    await running.end('SIGKILL');
  }
}

/** Slots of each kind in the region. */
function kindsIn(mm: Mm, { start, end }: LiveLayout): Record<string, number> {
  const names = Object.keys(RunKind);
  const found = new Map<number, Set<string>>();
  const { slot, count, kind } = mm.runs;
  for (let run = 0; run < mm.runs.length; run++) {
    for (let at = slot[run]!; at < slot[run]! + count[run]!; at++) {
      if (at < start || at >= end) continue;
      found.set(at, (found.get(at) ?? new Set()).add(names[kind[run]! - 1]!));
    }
  }
  const kinds: Record<string, number> = {};
  for (const of of found.values()) {
    const name = [...of].join('+');
    kinds[name] = (kinds[name] ?? 0) + 1;
  }
  return kinds;
}

function residualPages(mm: Mm, { host }: HostSnapshot): number {
  assert.ok(mm.stable, `${mm.comm} (${mm.pid}) holds still`);
  return mm.vmPtePages - countTables(mm.runs, geometryById(host.geometry)!);
}

const layouts: ReadonlyArray<readonly [name: string, kinds: Record<string, number>]> = [
  ['anon', { PTE: 32 }],
  ['sparse', { PTE: 222 }],
  ['every-other', { PTE: 32 }],
  ['zero-page', { PTE: 32 }],
  ['no-access', { PTE: 32 }],
  ['empty', { EMPTY: 32 }],
  ['guard', { PTE: 6 }],
  ['guard-removed', { EMPTY: 6 }],
  ['shmem', { PTE: 32 }],
  ['thp', { THP_ANON: 32 }],
  ['thp-zero', { THP_ANON: 32 }],
  ['thp-split', { THP_ANON: 30, PTE: 2 }],
  ['thp-dev-zero', { THP_ANON: 32 }],
  ['thp-shmem', { THP_FILE: 32 }],
  ['thp-private-file', { THP_FILE: 31, PTE: 1 }],
  ['hugetlb', { HUGETLB_PMD: 3, HUGETLB_HOLE: 5 }],
  ['hugetlb-sysv', { HUGETLB_PMD: 3, HUGETLB_HOLE: 5 }],
  ['hugetlb-mount', { HUGETLB_PMD: 3, HUGETLB_HOLE: 5 }],
  ['write-protected', { PTE: 4, EMPTY: 8 }],
  ['perf-ring', { PFNMAP: 1 }],
  ['many-vmas', { PTE: 120 }],
];

judgedTest('captureHost() explains VmPTE of every known layout to the page', judges, async (t) => {
  await alone();
  const restore = raiseHugePages(16);
  for (const [name, kinds] of layouts) {
    await t.test(name, async () => {
      await withLayout(name, async (layout) => {
        const snapshot = await captureHost({ pids: [layout.pid] });
        const [mm] = snapshot.mms;
        assert.ok(mm);
        assert.equal(mm.vmPtePages, vmPtePages(layout.pid));
        assert.deepEqual(kindsIn(mm, layout), kinds);
        assert.equal(residualPages(mm, snapshot), 0);
        validateSnapshot(snapshot);
      });
    });
  }
  restore();
});

judgedTest('captureHost() leaves an empty PMD table unexplained', judges, async () => {
  await withLayout('empty-pmd', async (layout) => {
    const snapshot = await captureHost({ pids: [layout.pid] });
    assert.deepEqual(kindsIn(snapshot.mms[0]!, layout), {});
    assert.ok(residualPages(snapshot.mms[0]!, snapshot) >= 1);
  });
});

/** Content id of each slot that has one. */
function contentsOf({ runs }: Mm): Map<number, number> {
  const contents = new Map<number, number>();
  for (let run = 0; run < runs.length; run++) {
    if (runs.content[run] === 0) continue;
    for (let index = 0; index < runs.count[run]!; index++) {
      contents.set(runs.slot[run]! + index, runs.content[run]! + index);
    }
  }
  return contents;
}

judgedTest('captureHost() finds the tables that a fork has in common', judges, async () => {
  await withLayout('forked', async (layout) => {
    const snapshot = await captureHost({ pids: [layout.pid, layout.otherPid] });
    const [first, second] = snapshot.mms.map(contentsOf);
    for (let slot = layout.start; slot < layout.end; slot++) {
      const isWritten = slot === layout.start + 10;
      assert.ok(first!.has(slot));
      assert.equal(first!.get(slot) === second!.get(slot), !isWritten, `slot ${slot}`);
    }
    for (const mm of snapshot.mms) assert.equal(residualPages(mm, snapshot), 0);
    validateSnapshot(snapshot);
  });
});

judgedTest('captureHost() leaves contents out on request', judges, async () => {
  await withLayout('forked', async (layout) => {
    const pids = [layout.pid, layout.otherPid];
    const { mms, coverage } = await captureHost({ pids, includeContent: false });
    assert.equal(mms.length, 2);
    assert.equal(coverage.contentsCompared, false);
    for (const mm of mms) assert.equal(contentsOf(mm).size, 0);
  });
});

judgedTest('captureHost() records an address space of vfork() once', judges, async () => {
  await withLayout('vforked', async (layout) => {
    const pids = [layout.pid, layout.otherPid];
    const { mms, coverage } = await captureHost({ pids });
    assert.equal(mms.length, 1);
    assert.deepEqual([mms[0]!.pid, ...mms[0]!.sharers].sort(), pids.sort());
    assert.equal(coverage.sharedMm, 1);
  });
});

judgedTest(
  'captureHost() explains every process of this host that holds still',
  [root],
  async () => {
    await withProgram(['sleep', '60'], async (sleeper) => {
      const snapshot = await captureHost();
      validateSnapshot(snapshot);
      const still = snapshot.mms.filter((mm) => mm.stable && mm.visibility === 'tables');
      assert.ok(still.some(({ pid }) => pid === sleeper.pid));
      assert.deepEqual(
        still.filter((mm) => residualPages(mm, snapshot) !== 0).map(({ comm }) => comm),
        [],
      );
      assert.ok(snapshot.coverage.wholeHost);
      assert.ok(snapshot.coverage.contentsCompared);
      assert.ok(snapshot.host.countersFolded);
    });
  },
);

const CAPTURE = new URL('./capture.js', import.meta.url);
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** Captures in a process of its own, which `command` starts. */
function captureElsewhere(
  command: readonly string[],
  nodeOptions: readonly string[],
  options: CaptureOptions,
): HostSnapshot {
  const script = `
    import { captureHost } from ${JSON.stringify(CAPTURE)};
    const snapshot = await captureHost(${JSON.stringify(options)});
    const plain = (key, value) => (ArrayBuffer.isView(value) ? [...value] : value);
    process.stdout.write(JSON.stringify(snapshot, plain));`;
  const node = [process.execPath, ...nodeOptions, '--input-type=module', '--eval', script];
  const [program, ...rest] = [...command, ...node];
  return JSON.parse(execFileSync(program!, rest, { encoding: 'utf8', maxBuffer: 2 ** 28 }));
}

/** An ordinary user, who must be able to read the code to be tested. */
const nobody: Judge = {
  missing() {
    const [program, ...rest] = [...AS_NOBODY, process.execPath, '--check', fileURLToPath(CAPTURE)];
    const { status } = spawnSync(program!, rest);
    return status === 0 ? undefined : 'the user nobody cannot read this checkout';
  },
};

judgedTest(
  'captureHost() shows a user the own tables, and VmPTE of all others',
  [root, programs('setpriv'), nobody],
  async () => {
    const command = [...AS_NOBODY, 'sh', '-c', 'echo ready; exec sleep 60'];
    await withProgram(command, async (own) => {
      await own.line(/^ready/);
      const snapshot = captureElsewhere(AS_NOBODY, [], {});
      const find = (pid: number): Mm => snapshot.mms.find((mm) => mm.pid === pid)!;
      assert.equal(find(own.pid).visibility, 'tables');
      assert.equal(residualPages(find(own.pid), snapshot), 0);
      assert.equal(find(process.pid).visibility, 'status');
      assert.ok(find(process.pid).vmPtePages > 0);
      const denied = snapshot.mms.filter((mm) => mm.visibility === 'status');
      assert.equal(snapshot.coverage.statusOnly, denied.length);
      assert.equal(snapshot.host.countersFolded, false);
      assert.match(snapshot.coverage.notes.join(' '), /may not be read/);
    });
  },
);

judgedTest(
  'captureHost() knows that a container is not the whole host',
  [root, programs('unshare')],
  () => {
    const snapshot = captureElsewhere(['unshare', '--pid', '--fork', '--mount-proc'], [], {});
    assert.equal(snapshot.coverage.wholeHost, false);
    assert.equal(snapshot.coverage.processes, 1);
    assert.match(snapshot.coverage.notes.join(' '), /this is a container/);
  },
);

judgedTest(
  'captureHost() puts up with processes that come, go and call execve()',
  [root],
  async () => {
    const loop = 'echo ready; while :; do sh -c "exec true"; done';
    await withProgram(['sh', '-c', `${loop} & ${loop}`], async (busy) => {
      await busy.line(/^ready/);
      for (let round = 0; round < 5; round++) {
        const snapshot = await captureHost();
        validateSnapshot(snapshot);
        const { coverage, mms } = snapshot;
        assert.ok(mms.length + coverage.vanished + coverage.sharedMm === coverage.processes);
      }
    });
  },
);

/** Options of node that make `koffi` a package that is not installed. */
function withoutKoffi(): string[] {
  const hook = join(temporaryFolder(), 'without_koffi.cjs');
  writeFileSync(
    hook,
    `const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => {
      if (name === 'koffi') throw new Error('not installed');
      return resolve.call(Module, name, ...rest);
    };`,
  );
  return ['--require', hook];
}

judgedTest(
  'captureHost() sees all but huge pages and empty tables without koffi',
  judges,
  async () => {
    await alone();
    const restore = raiseHugePages(8);
    // A huge page looks like a table of small ones; that is right for anonymous memory by chance.
    const seen: ReadonlyArray<readonly [name: string, kinds: Record<string, number>]> = [
      ['anon', { PTE: 32 }],
      ['sparse', { PTE: 222 }],
      ['every-other', { PTE: 32 }],
      ['guard', { PTE: 6 }],
      ['empty', {}],
      ['thp', { PTE: 32 }],
      ['thp-shmem', { PTE: 32 }],
      ['hugetlb', { HUGETLB_PMD: 3 }],
    ];
    const node = withoutKoffi();
    for (const [name, kinds] of seen) {
      await withLayout(name, async (layout) => {
        const pids = [layout.pid];
        const snapshot = captureElsewhere([], node, { pids });
        const mm = snapshot.mms[0]!;
        const full = (await captureHost({ pids })).mms[0]!;
        assert.deepEqual(kindsIn(mm, layout), kinds, name);
        assert.equal(populatedPages(mm), populatedPages(full), name);
        assert.match(snapshot.coverage.notes.join(' '), /koffi is not installed/);
      });
    }
    restore();
  },
);

function populatedPages({ runs }: Mm): number {
  return [...runs.pages].reduce((sum, pages) => sum + pages, 0);
}

judgedTest('captureHost() records processes by their size when time is up', judges, async () => {
  await withLayout('anon', async (layout) => {
    const { mms, coverage } = await captureHost({ pids: [layout.pid], budgetSeconds: 0 });
    assert.equal(mms[0]?.visibility, 'status');
    assert.equal(mms[0]?.vmPtePages, vmPtePages(layout.pid));
    assert.match(coverage.notes.join(' '), /time budget was spent before one process/);
  });
});

test('captureHost() stops when it is told to, while it reads', async () => {
  const controller = new AbortController();
  const onProgress = (): void => controller.abort(new Error('enough'));
  await assert.rejects(captureHost({ signal: controller.signal, onProgress }), /enough/);
});

test('captureHost() reports progress up to the end', async () => {
  const seen: number[] = [];
  let total = 0;
  await captureHost({
    pids: [process.pid, process.ppid],
    onProgress(done, of) {
      seen.push(done);
      total = of;
    },
  });
  assert.ok(total >= 1);
  assert.deepEqual(
    seen.slice(0, total),
    Array.from({ length: total }, (_, index) => index + 1),
  );
});

test('captureHost() finds processes by the whole name of their command', async () => {
  await withProgram(['sleep', '60'], async ({ pid }) => {
    const { mms, coverage } = await captureHost({ comm: 'sleep' });
    assert.ok(mms.some((mm) => mm.pid === pid));
    assert.ok(mms.every(({ comm }) => comm === 'sleep'));
    assert.equal(coverage.wholeHost, false);
    const { mms: others } = await captureHost({ comm: 'slee' });
    assert.ok(others.every((mm) => mm.pid !== pid));
  });
});
