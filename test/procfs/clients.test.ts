/** Programs that read /proc print what was counted by hand. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN } from '../command_line.ts';
import { freePort } from '../free_port.ts';
import { type Judge, judgedTest, programs, root } from '../live/judge.ts';
import { pageTypes, pageTypesSources, thpmaps, thpmapsSources } from './page_types.ts';
import { EXPECTED, HEAP, MEMORY_KIB, PAGES, withRendered } from './rendered.ts';

/** What a program prints to whom `proc` is /proc; it is the first process of a namespace. */
function inNamespace(proc: string, command: string): string {
  const { stdout, stderr, status } = spawnSync(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--propagation', 'private', 'sh', '-c'],
      `mount --bind ${proc} /proc && exec ${command}`,
    ],
    { encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C' } },
  );
  assert.equal(status, 0, `${command}: ${stderr}`);
  return stdout;
}

const rowsOf = (text: string): string[][] => text.trimEnd().split('\n').map(wordsOf);
const wordsOf = (line: string): string[] => line.trim().split(/\s+/);

/** The row of each process, by the column that has its pid. */
function ofProcesses(text: string, column: number): string[][] {
  const rows = rowsOf(text);
  return EXPECTED.map(({ pid }) => rows.find((row) => row[column] === String(pid))!);
}

const procps = programs('ps', 'pmap', 'top', 'free', 'vmstat', 'unshare');

judgedTest('procps', [root, procps], () =>
  withRendered(({ proc }) => {
    const ps = ofProcesses(inNamespace(proc, 'ps -eo pid,vsz,rss,pss,uss,sz'), 0);
    assert.deepEqual(
      ps.map((row) => row.map(Number)),
      EXPECTED.map(({ pid, size, rss, pss, uss }) => [pid, size, rss, pss, uss, size / 4]),
    );
    const top = ofProcesses(inNamespace(proc, 'top -b -n 1'), 0);
    assert.deepEqual(
      top.map((row) => row.slice(4, 7).map(Number)),
      EXPECTED.map(({ size, rss, shared }) => [size, rss, shared]),
    );
    for (const { pid, size, rss, pss, anonymous } of EXPECTED) {
      const rows = rowsOf(inNamespace(proc, `pmap -X ${pid}`));
      const names = rows[1]!.slice(rows[1]!.indexOf('Size'));
      const total = rows.at(-1)!;
      const totalOf = (name: string): number => Number(total[names.indexOf(name)]);
      // With the 4 kB of [vsyscall].
      assert.equal(totalOf('Size'), size + 4);
      assert.equal(totalOf('Rss'), rss);
      assert.equal(totalOf('Pss'), pss);
      assert.equal(totalOf('Anonymous'), anonymous);
    }
    const free = rowsOf(inNamespace(proc, 'free -k'))[1]!.map(Number);
    assert.equal(free[1], MEMORY_KIB);
    assert.equal(free[4], PAGES.memfd * 4);
    assert.equal(free[5], (PAGES.memfd + PAGES.file) * 4);
    const vmstat = rowsOf(inNamespace(proc, 'vmstat'))[2]!.map(Number);
    assert.equal(vmstat[3], free[3]);
    assert.equal(vmstat[5], free[5]);
  }),
);

judgedTest('smem and numastat', [root, programs('smem', 'numastat', 'unshare')], () =>
  withRendered(({ proc }) => {
    const smem = inNamespace(proc, 'smem -H -c "pid swap uss pss rss"');
    assert.deepEqual(
      ofProcesses(smem, 0).map((row) => row.map(Number)),
      EXPECTED.map(({ pid, uss, pss, rss }) => [pid, 0, uss, pss, rss]),
    );
    for (const { pid, rss } of EXPECTED) {
      const rows = rowsOf(inNamespace(proc, `numastat -p ${pid}`));
      const total = rows.find(([name]) => name === 'Total')!;
      assert.equal(total[1], (rss / 1024).toFixed(2));
      assert.equal(rows.find(([name]) => name === 'Heap')![1], ((HEAP * 4) / 1024).toFixed(2));
    }
  }),
);

/** Debian's, whatever else is in the path. */
const PYTHON = '/usr/bin/python3';

const PSUTIL = `
import json, psutil, sys
psutil.PROCFS_PATH = sys.argv[1]
memory = psutil.virtual_memory()
processes = []
for process in psutil.process_iter():
    full = process.memory_full_info()
    maps = process.memory_maps(grouped=False)
    processes.append([process.pid, full.vms, full.rss, full.shared, full.uss, full.pss,
                      sum(m.anonymous for m in maps)])
print(json.dumps({'memory': [memory.total, memory.shared, memory.cached], 'processes': processes}))
`;

judgedTest('psutil', [psutil()], () =>
  withRendered(({ proc }) => {
    const { stdout, stderr } = spawnSync(PYTHON, ['-c', PSUTIL, proc], { encoding: 'utf8' });
    assert.deepEqual(
      JSON.parse(stdout || '{}'),
      {
        memory: [MEMORY_KIB, PAGES.memfd * 4, (PAGES.memfd + PAGES.file) * 4].map(bytes),
        processes: EXPECTED.map(({ pid, size, rss, shared, uss, pss, anonymous }) => [
          pid,
          ...[size, rss, shared, uss, pss, anonymous].map(bytes),
        ]),
      },
      stderr,
    );
  }),
);

const bytes = (kibibytes: number): number => kibibytes * 1024;

function psutil(): { missing(): string | undefined } {
  return {
    missing: () =>
      spawnSync(PYTHON, ['-c', 'import psutil']).status === 0
        ? undefined
        : 'not installed: python3-psutil',
  };
}

judgedTest('node_exporter', [programs('prometheus-node-exporter')], () =>
  withRendered(async ({ proc }) => {
    const address = `127.0.0.1:${await freePort()}`;
    const collectors = ['meminfo', 'vmstat', 'buddyinfo', 'processes', 'loadavg', 'stat'];
    const exporter = spawn(
      'prometheus-node-exporter',
      [
        ...[`--path.procfs=${proc}`, `--web.listen-address=${address}`],
        ...['--collector.disable-defaults', ...collectors.map((name) => `--collector.${name}`)],
      ],
      { stdio: 'ignore' },
    );
    try {
      const metrics = await fetchText(`http://${address}/metrics`);
      const metric = (name: string): number =>
        Number(
          metrics
            .split('\n')
            .find((line) => line.startsWith(`${name} `))
            ?.split(' ')[1],
        );
      assert.equal(metric('node_memory_MemTotal_bytes'), bytes(MEMORY_KIB));
      assert.equal(metric('node_memory_AnonPages_bytes'), bytes(PAGES.anonymous * 4));
      assert.equal(metric('node_memory_AnonHugePages_bytes'), bytes(PAGES.huge * 4));
      assert.equal(metric('node_memory_Shmem_bytes'), bytes(PAGES.memfd * 4));
      for (const collector of collectors) {
        assert.match(
          metrics,
          new RegExp(`node_scrape_collector_success{collector="${collector}"} 1`),
        );
      }
    } finally {
      exporter.kill();
    }
  }),
);

async function fetchText(url: string): Promise<string> {
  for (let times = 0; times < 100; times++) {
    try {
      return await (await fetch(url)).text();
    } catch {
      await sleep(50);
    }
  }
  assert.fail(`nobody answers at ${url}`);
}

judgedTest(
  'page-types, on the tree that is mounted',
  [root, programs('gcc'), pageTypesSources],
  () =>
    withRendered(async ({ script, proc }) => {
      const program = pageTypes();
      const run = startMounted([script, '--mount', proc]);
      try {
        await run.mounted;
        const counts = pagesByFlags(proc, `${program} --raw`);
        const sum = (...flags: string[]): number =>
          counts
            .filter(([, names]) => flags.every((flag) => names.includes(flag)))
            .reduce((total, [pages]) => total + pages, 0);
        assert.equal(sum('anonymous'), PAGES.anonymous);
        assert.equal(sum('thp'), PAGES.huge);
        assert.equal(sum('compound_head'), PAGES.huge / 512);
        assert.equal(sum('mmap') - sum('anonymous'), PAGES.memfd + PAGES.file);
        for (const { pid, rss } of EXPECTED) {
          const own = pagesByFlags(proc, `${program} --raw --pid ${pid}`);
          assert.equal(
            own.reduce((total, [pages]) => total + pages, 0),
            rss / 4,
          );
        }
      } finally {
        await run.end();
      }
    }),
);

judgedTest('thpmaps, on the tree that is mounted', [root, numpy(), thpmapsSources], () =>
  withRendered(async ({ script, proc }) => {
    const program = thpmaps();
    const run = startMounted([script, '--mount', proc]);
    try {
      await run.mounted;
      for (const { pid, rss } of EXPECTED) {
        const command = `${PYTHON} ${program} --pid ${pid} --rollup --cont 64K --inc-smaps`;
        const kib = new Map(
          rowsOf(inNamespace(proc, command)).map(([name, value]) => [name!, Number(value)]),
        );
        assert.equal(kib.get('Rss:'), rss);
        // All of it is mapped by entries of level 1: none by parts.
        assert.equal(kib.get('anon-thp-pmd-aligned-2048kB:'), PAGES.huge * 4);
        assert.equal(kib.get('anon-cont-pmd-aligned-64kB:'), PAGES.huge * 4);
        assert.deepEqual(
          [...kib.keys()].filter((name) => name.includes('-pte-')),
          [],
        );
      }
    } finally {
      await run.end();
    }
  }),
);

function numpy(): Judge {
  const { status } = spawnSync(PYTHON, ['-c', 'import numpy'], { stdio: 'ignore' });
  return { missing: () => (status === 0 ? undefined : 'not installed: python3-numpy') };
}

/** `ptshare run` under way, and how to end it by Ctrl-C. */
function startMounted(args: readonly string[]): { mounted: Promise<void>; end(): Promise<void> } {
  const child = spawn(process.execPath, [MAIN, 'run', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const mounted = new Promise<void>((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
      if (said.includes('Ctrl-C')) resolve();
    });
    child.once('close', () => reject(new Error(said)));
  });
  return {
    mounted,
    async end() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** Lines of page-types: how many pages have which flags. */
function pagesByFlags(proc: string, command: string): [number, string[]][] {
  const rows = rowsOf(inNamespace(proc, command));
  return rows
    .filter(([flags]) => flags?.startsWith('0x'))
    .map((row) => [Number(row[1]), (row[4] ?? '').split(',')]);
}
