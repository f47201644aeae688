import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { CaptureError } from './capture_error.ts';
import { geometryOf, readOwnLimits } from './host_geometry.ts';

const cpu = (mmu: string, ...flags: readonly string[]) => ({ mmu, flags: new Set(flags) });

const hosts: ReadonlyArray<readonly [id: string, ...Parameters<typeof geometryOf>]> = [
  ['x86_64-4level', 'x86_64', cpu('', 'fpu'), { pageBytes: 4096, addressBits: 47 }],
  ['x86_64-5level', 'x86_64', cpu('', 'la57'), { pageBytes: 4096, addressBits: 47 }],
  ['arm64-4k-39bit', 'aarch64', cpu(''), { pageBytes: 4096, addressBits: 39 }],
  ['arm64-4k-48bit', 'aarch64', cpu(''), { pageBytes: 4096, addressBits: 48 }],
  ['arm64-16k-47bit', 'aarch64', cpu(''), { pageBytes: 16384, addressBits: 47 }],
  ['arm64-64k-42bit', 'aarch64', cpu(''), { pageBytes: 65536, addressBits: 42 }],
  ['arm64-64k-48bit', 'aarch64', cpu(''), { pageBytes: 65536, addressBits: 48 }],
  ['riscv64-sv48', 'riscv64', cpu('sv48'), { pageBytes: 4096, addressBits: 47 }],
];
for (const [id, machine, cpuinfo, limits] of hosts) {
  test(`geometryOf() finds ${id}`, () => {
    assert.equal(geometryOf(machine, cpuinfo, limits).id, id);
  });
}

test('geometryOf() refuses tables it does not know, and says which', () => {
  const refuse = (machine: string, pageBytes: number) => () =>
    geometryOf(machine, cpu(''), { pageBytes, addressBits: 47 });
  assert.throws(refuse('ppc64le', 65536), CaptureError);
  assert.throws(refuse('x86_64', 16384), /x86_64 with 16384-byte pages/);
});

test('readOwnLimits() agrees with getconf about the size of a page', () => {
  const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
  assert.equal(readOwnLimits().pageBytes, pageBytes);
});
