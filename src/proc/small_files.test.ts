/** Tests of the parsers that are too small for a file of tests each. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseCgroupPath } from './cgroup.ts';
import { parseCpuinfo } from './cpuinfo.ts';
import { bracketedWord, parseMeminfo } from './meminfo.ts';
import { parseMountinfo } from './mountinfo.ts';
import { parseVmFlags } from './smaps.ts';
import { parseStartTime } from './stat.ts';
import { ProcSyntaxError } from './syntax.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../../src/proc/golden/${name}.txt`, import.meta.url), 'utf8');

test('parseMeminfo() reads kilobytes as bytes, and counts as they are', () => {
  const fields = parseMeminfo(golden('meminfo'));
  assert.equal(fields.get('MemTotal'), 24_684_092 * 1024);
  assert.equal(fields.get('Active(file)') !== undefined, true);
  assert.equal(fields.get('HugePages_Total'), 0);
  assert.equal(fields.size, golden('meminfo').trimEnd().split('\n').length);
});

test('parseMeminfo() leaves out what it does not know', () => {
  assert.deepEqual(
    [...parseMeminfo('A: 1 kB\nB: 2 MB\nC:\n: 3 kB\nD: -1 kB\nE: 5\n')],
    [
      ['A', 1024],
      ['E', 5],
    ],
  );
});

test('bracketedWord() finds the chosen word', () => {
  assert.equal(bracketedWord('always [madvise] never\n'), 'madvise');
  assert.equal(bracketedWord('always madvise never\n'), undefined);
});

test('parseCgroupPath() prefers the hierarchy that has the memory controller', () => {
  assert.equal(parseCgroupPath('9:name=systemd:/a\n4:cpu,memory:/m:n/x\n0::/u\n'), '/m:n/x');
  assert.equal(parseCgroupPath('0::/system.slice/redis.service\n'), '/system.slice/redis.service');
  assert.equal(parseCgroupPath('3:cpuset:/\nnonsense\n'), '');
});

test('parseStartTime() is not fooled by a name with parentheses and spaces', () => {
  const fields = Array.from({ length: 49 }, (_, index) => String(index + 4)).join(' ');
  assert.equal(parseStartTime(`7 (a) S 1 (b)) S ${fields}\n`), 22);
});

test('parseStartTime() agrees with ps about this process', () => {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const clockTicks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  const elapsed = execFileSync('ps', ['-o', 'etimes=', '-p', String(process.pid)]);
  const age = uptime - parseStartTime(stat) / clockTicks;
  assert.ok(Math.abs(age - Number(elapsed)) < 2);
});

test('parseStartTime() refuses a line that was cut', () => {
  assert.throws(() => parseStartTime('7 (a) S 1 2 3'), ProcSyntaxError);
});

test('parseMountinfo() names devices as maps names them', () => {
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  const mounted = new Set(mounts.map(({ device }) => device));
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const mapped = lines.map((line) => line.split(/ +/)[3] ?? '');
  assert.ok(mapped.some((device) => mounted.has(device)));
});

test('parseMountinfo() reads page sizes of hugetlbfs as the kernel prints them', () => {
  const mounts = parseMountinfo(
    '30 25 0:27 / /hp rw,relatime shared:9 master:1 - hugetlbfs nodev rw,pagesize=1024M\n' +
      '31 25 0:28 / /hq rw - hugetlbfs none rw,pagesize=64K,size=1\n' +
      '32 25 259:300 / /data\\040x rw - ext4 /dev/nvme0n1 rw,pagesize=2M\n' +
      'nonsense\n',
  );
  assert.deepEqual(mounts, [
    { device: '00:1b', fsType: 'hugetlbfs', hugePageBytes: 2 ** 30 },
    { device: '00:1c', fsType: 'hugetlbfs', hugePageBytes: 65536 },
    { device: '103:12c', fsType: 'ext4', hugePageBytes: undefined },
  ]);
});

test('parseVmFlags() reads the flags of every VMA of this process', () => {
  const flags = parseVmFlags(readFileSync('/proc/self/smaps', 'utf8'), 4096);
  const stack = [...flags.values()].filter((one) => one.has('gd'));
  assert.equal(stack.length, 1);
  assert.ok(flags.size > 10);
});

test('parseCpuinfo() reads features of x86 and the mode of riscv', () => {
  assert.ok(parseCpuinfo('processor\t: 0\nflags\t\t: fpu la57 pti\n').flags.has('la57'));
  assert.equal(parseCpuinfo('processor\t: 0\nmmu\t\t: sv48\n').mmu, 'sv48');
  assert.equal(parseCpuinfo('').flags.size, 0);
});
