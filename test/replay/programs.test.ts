/** Real programs, recorded as they run here: the engine places every mapping where the kernel did. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplayReport } from '../../src/replay/index.ts';
import { ptshare } from '../command_line.ts';
import { temporaryFolder } from '../live/at_end.ts';
import {
  type Judge,
  judgedTest,
  postgres,
  postgresPrograms,
  programs,
  root,
} from '../live/judge.ts';
import { PostgresServer } from '../live/postgres.ts';

/** What differs from host to host, or from run to run. */
const MAY_BE_UNJUDGED = ['calls that never returned'];

interface Wanted {
  readonly addresses: number;
  readonly errnos: number;
  readonly processes?: number;
  readonly threads?: number;
}

function judge(command: readonly string[], cwd: string, wanted: Wanted): ReplayReport {
  const { status, stdout, stderr } = ptshare(['replay', '--json', '--strict', '--', ...command], {
    cwd,
    env: { ...process.env, LC_ALL: 'C' },
  });
  assert.ok(status === 0 || status === 1, stderr);
  const report = JSON.parse(stdout) as ReplayReport;
  assert.deepEqual(report.mismatches, []);
  assert.equal(report.addresses.exact, report.addresses.total);
  assert.equal(report.errnos.exact, report.errnos.total);
  assert.equal(status, 0);
  const unjudged = Object.keys(report.unjudged).filter((why) => !MAY_BE_UNJUDGED.includes(why));
  assert.deepEqual(unjudged, []);
  assert.ok(report.addresses.total >= wanted.addresses, JSON.stringify(report.addresses));
  assert.ok(report.errnos.total >= wanted.errnos, JSON.stringify(report.errnos));
  assert.ok(report.processes >= (wanted.processes ?? 1));
  assert.ok(report.threads >= (wanted.threads ?? 0));
  return report;
}

function program(
  name: string,
  needs: readonly string[],
  command: (folder: string) => readonly string[],
  wanted: Wanted,
): void {
  judgedTest(`${name}: every address and errno`, [programs('strace', ...needs)], (context) => {
    const folder = temporaryFolder();
    const { calls, addresses, errnos } = judge(command(folder), folder, wanted);
    context.diagnostic(`${calls} calls, ${addresses.total} addresses, ${errnos.total} errnos`);
  });
}

program('ls', ['ls'], () => ['ls', '-la', '/'], { addresses: 5, errnos: 15 });

program('ls with the legacy layout', ['ls', 'setarch'], () => ['setarch', '-L', 'ls', '-la', '/'], {
  addresses: 10,
  errnos: 30,
});

const MODULES =
  'json,ssl,sqlite3,decimal,asyncio,xml.dom,email,ctypes,unittest,hashlib,zipfile,bz2';
program(
  'python3 importing a dozen modules',
  ['python3'],
  () => ['/usr/bin/python3', '-c', `import ${MODULES}`],
  {
    addresses: 50,
    errnos: 100,
  },
);

const WORKERS = `const { Worker } = require('node:worker_threads');
const text = 'const a = []; for (let i = 0; i < 1e5; i++) a.push({ i });';
for (let n = 0; n < 4; n++) new Worker(text, { eval: true });`;
program('node with workers', [], () => [process.execPath, '-e', WORKERS], {
  addresses: 100,
  errnos: 500,
  threads: 8,
});

const C = '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n';
const CXX =
  '#include <map>\n#include <string>\nint main() { return std::map<int, std::string>{}.size(); }\n';

program(
  'gcc',
  ['gcc'],
  (folder) => {
    writeFileSync(join(folder, 'a.c'), C);
    return ['gcc', '-O2', 'a.c'];
  },
  { addresses: 50, errnos: 150, processes: 4 },
);

program(
  'g++',
  ['g++'],
  (folder) => {
    writeFileSync(join(folder, 'a.cc'), CXX);
    return ['g++', '-O1', 'a.cc'];
  },
  { addresses: 100, errnos: 150, processes: 4 },
);

program(
  'make -j',
  ['make', 'gcc'],
  (folder) => {
    const names = [1, 2, 3, 4].map((n) => `${n}.o`);
    for (const name of names) writeFileSync(join(folder, name.replace('.o', '.c')), C);
    writeFileSync(join(folder, 'Makefile'), `all: ${names.join(' ')}\n`);
    return ['make', '-j', '4'];
  },
  { addresses: 200, errnos: 400, processes: 9 },
);

program(
  'git',
  ['git'],
  (folder) => {
    mkdirSync(join(folder, 'r'));
    writeFileSync(join(folder, 'r', 'a.c'), C);
    const who = '-c user.name=a -c user.email=a@example.org';
    return [
      'sh',
      '-c',
      `cd r && git init -q && git add . && git ${who} commit -qm a && git gc -q && git log -p`,
    ];
  },
  { addresses: 100, errnos: 200, processes: 5 },
);

const PERL = 'my %h; $h{$_} = "x" x 100 for 1..50000; my $s = "x" x 3e6; $s .= $s; system("true")';
program('perl', ['perl'], () => ['perl', '-MPOSIX', '-MData::Dumper', '-e', PERL], {
  addresses: 50,
  errnos: 50,
  processes: 2,
});

const REDIS = `redis-server --port 0 --unixsocket "$PWD/s" --save "" &
until redis-cli -s "$PWD/s" ping; do sleep 0.1; done
seq -f 'SET k%g 1' 500 | redis-cli -s "$PWD/s"
redis-cli -s "$PWD/s" bgsave
until redis-cli -s "$PWD/s" info persistence | grep rdb_bgsave_in_progress:0; do sleep 0.1; done
redis-cli -s "$PWD/s" shutdown nosave; wait`;
program('redis with a background save', ['redis-server', 'redis-cli'], () => ['sh', '-c', REDIS], {
  addresses: 80,
  errnos: 200,
  processes: 6,
  threads: 3,
});

program(
  'a program and a directory that relative paths lead to',
  ['perl', 'true'],
  (folder) => {
    copyFileSync('/usr/bin/perl', join(folder, 'a'));
    mkdirSync(join(folder, 'b'));
    copyFileSync('/usr/bin/true', join(folder, 'b', 'a'));
    return ['./a', '-e', 'chdir "b" or die; exec "./a"'];
  },
  { addresses: 10, errnos: 30 },
);

const LIMITED = `ulimit -v 60000
perl -e '$SIG{__DIE__} = sub { exit 0 }; my @a; push @a, "x" x 4e6 while 1'
ulimit -d 20000
perl -e 'my @a; push @a, "y" x 1e5 while 1'
exit 0`;
program(
  'programs that meet RLIMIT_AS and RLIMIT_DATA',
  ['bash', 'perl'],
  () => ['bash', '-c', LIMITED],
  { addresses: 60, errnos: 150, processes: 3 },
);

const NAMELESS = `import os
file = os.open('/usr/bin/perl', os.O_RDONLY)
os.set_inheritable(file, True)
again = 'exec {"/proc/self/exe"} "perl", "-e", "1"'
for where in (file, f'/proc/self/fd/{file}', f'/dev/fd/{file}', '/usr/bin/perl'):
  for script in ('1', again):
    if os.fork() == 0: os.execve(where, ['perl', '-e', script], os.environ)
    assert os.wait()[1] == 0`;
program(
  'programs that are named by processes and descriptors',
  ['python3', 'perl'],
  () => ['/usr/bin/python3', '-c', NAMELESS],
  { addresses: 100, errnos: 200, processes: 9 },
);

const SELECTION = 'trace=%memory,%process,%ipc,%desc';
const merged = programs('strace', 'strace-log-merge');
judgedTest('a file for each process, merged: every address and errno', [merged], () => {
  const prefix = join(temporaryFolder(), 'sh');
  const command = ['sh', '-c', 'ls / | sort | wc -l; (cd /; perl -e 1) | cat; git --version'];
  const options = ['-ff', '-ttt', '-y', '-e', SELECTION, '-o', prefix];
  execFileSync('strace', [...options, '--', ...command], { stdio: 'ignore' });
  const input = execFileSync('strace-log-merge', [prefix]);
  const { status, stdout } = ptshare(['replay', '--json', '--strict', '-'], { input });
  const { mismatches, addresses, errnos, processes } = JSON.parse(stdout) as ReplayReport;
  assert.deepEqual([status, mismatches], [0, []]);
  assert.ok(addresses.exact === addresses.total && addresses.total >= 40);
  assert.ok(errnos.exact === errnos.total && errnos.total >= 100);
  assert.ok(processes >= 6);
});

const server: readonly Judge[] = [root, postgres, programs('strace', 'setpriv')];
judgedTest('postgres: start and a JIT query: every address and errno', server, (context) => {
  const { folder } = new PostgresServer();
  const bin = postgresPrograms()!;
  const query = 'SET jit_above_cost = 0; SELECT sum(a * 2 + 1) FROM generate_series(1, 20000) a';
  const script = `${bin}/postgres -D data -k "$PWD" -c listen_addresses= -c fsync=off &
    until ${bin}/pg_isready -q -h "$PWD"; do sleep 0.2; done
    ${bin}/psql -X -h "$PWD" -U test -c '${query}' postgres; kill -INT $!; wait`;
  const asPostgres = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
  const report = judge([...asPostgres, 'sh', '-c', script], folder, {
    addresses: 100,
    errnos: 200,
    processes: 8,
  });
  assert.ok(report.byCall.shmat !== undefined, 'it has a segment of SysV shared memory');
  const { calls, addresses, errnos } = report;
  context.diagnostic(`${calls} calls, ${addresses.total} addresses, ${errnos.total} errnos`);
});
