/** Real programs with their page faults: counters and VMAs at the end are those of the kernel. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplayReport } from '../../src/replay/index.ts';
import { ptshare } from '../command_line.ts';
import { temporaryFolder } from '../live/at_end.ts';
import { judgedTest, programs, root } from '../live/judge.ts';
import { recorder, smallPages } from './recorder.ts';

function leftovers(): string[] {
  const instances = ['/sys/kernel/tracing/instances']
    .filter(existsSync)
    .flatMap((path) => readdirSync(path));
  const mounts = readFileSync('/proc/self/mountinfo', 'latin1').match(/ptshare-tracefs-\d+/g) ?? [];
  return [...instances.filter((name) => name.startsWith('ptshare-')), ...mounts];
}

function program(
  name: string,
  needs: readonly string[],
  command: (folder: string) => readonly string[],
  wanted: { readonly processes: number; readonly faults: number },
): void {
  const judges = [root, recorder, smallPages, programs(...needs)];
  judgedTest(`${name} with page faults: every counter and VMA at the end`, judges, (context) => {
    const folder = temporaryFolder();
    const args = ['replay', '--faults', '--json', '--strict', '--', ...command(folder)];
    const { status, stdout, stderr } = ptshare(args, { cwd: folder, env: process.env });
    assert.ok(status === 0 || status === 1, stderr);
    const report = JSON.parse(stdout) as ReplayReport;
    assert.deepEqual(report.mismatches, []);
    assert.deepEqual(report.unjudged, {});
    assert.equal(report.faults.exact, report.faults.total);
    assert.ok(report.faults.total >= wanted.faults, String(report.faults.total));
    assert.ok(report.counters.length >= wanted.processes, String(report.counters.length));
    for (const { real, simulated } of report.counters) assert.deepEqual(simulated, real);
    assert.equal(report.calibrations, 0);
    assert.deepEqual(leftovers(), []);
    context.diagnostic(`${report.faults.total} faults, ${report.counters.length} processes`);
  });
}

program('ls', ['ls'], () => ['ls', '-la', '/'], { processes: 1, faults: 50 });
program('python3', ['python3'], () => ['/usr/bin/python3', '-c', 'pass'], {
  processes: 1,
  faults: 400,
});
program(
  'python3 with json and ssl',
  ['python3'],
  () => ['/usr/bin/python3', '-c', 'import json, ssl'],
  {
    processes: 1,
    faults: 800,
  },
);
/** What is written at once makes large folios, where the file system has any; a mapping begins within one. */
const MAP_LARGE = `import mmap, sys
file = open(sys.argv[1], 'rb')
memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, offset=5 * 4096)
for page in (40, 90, 200, 201, 240):
    memory[page * 4096]
`;
program(
  'python3 that maps large folios',
  ['python3'],
  (folder) => {
    const file = join(folder, 'large');
    writeFileSync(file, Buffer.alloc(2 ** 20, 1));
    return ['/usr/bin/python3', '-c', MAP_LARGE, file];
  },
  { processes: 1, faults: 400 },
);
program('perl', ['perl'], () => ['perl', '-e', 'my %h; $h{$_} = $_ for 1..20000'], {
  processes: 1,
  faults: 500,
});
program(
  'gcc and what it starts',
  ['gcc'],
  (folder) => {
    writeFileSync(join(folder, 'a.c'), 'int main(void) { return 0; }\n');
    return ['gcc', '-O2', '-c', 'a.c'];
  },
  { processes: 3, faults: 1000 },
);
program('node', [], () => [process.execPath, '-e', '0'], { processes: 1, faults: 1000 });
program('a shell with pipes', ['sh'], () => ['sh', '-c', 'ls / | sort | wc -l; (cd /; ls) | cat'], {
  processes: 5,
  faults: 200,
});
