/** Who follows an address space is told of the same ranges as by the kernel, in the same order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { toldByEngine, toldByKernel, tracedKvm } from './notifier_judge.ts';
import { HUGE, MADV, MAP, PROT, type Range, randomSteps, type Step } from './notifier_program.ts';
import { referenceHost } from './reference_host.ts';

const PROGRAMS = 40;
const needs = [root, commands('gcc'), referenceHost, tracedKvm];

const mapped = (page: number, pages: number, flags: number = MAP.PRIVATE): Step => ({
  call: 'mmap',
  page,
  pages,
  prot: PROT.WRITE,
  flags,
});
const stored = (...pages: readonly number[]): Step[] =>
  pages.map((page) => ({ call: 'store', page }));
const advised = (page: number, pages: number, value: number): Step => ({
  call: 'madvise',
  page,
  pages,
  value,
});
const protectedTo = (page: number, pages: number, value: number): Step => ({
  call: 'mprotect',
  page,
  pages,
  value,
});

/** Eight pages of private memory, all written to. */
const EIGHT = [mapped(0, 8), ...stored(0, 1, 2, 3, 4, 5, 6, 7)];
const SHARED = [mapped(0, 8, MAP.SHARED), ...stored(0, 1, 2)];
/** A huge page that was made of small ones. */
const COLLAPSED = [
  mapped(0, HUGE),
  advised(0, HUGE, MADV.NOHUGEPAGE),
  ...stored(0, 1, 2),
  advised(0, HUGE, MADV.HUGEPAGE),
  advised(0, HUGE, MADV.COLLAPSE),
];

interface Rule {
  readonly name: string;
  readonly steps: readonly Step[];
  /** What the last step tells. */
  readonly told: readonly Range[];
}

/** @source Linux 6.18, measured (trace event kvm_unmap_hva_range) */
const RULES: readonly Rule[] = [
  {
    name: 'munmap tells of what was asked for, holes and all, at once',
    steps: [mapped(0, 2), mapped(4, 2), { call: 'munmap', page: 0, pages: 7 }],
    told: [[0, 7]],
  },
  {
    name: 'mmap in place of something tells of all of the new place',
    steps: [...EIGHT, mapped(6, 4)],
    told: [[6, 10]],
  },
  {
    name: 'mprotect tells when rights are lost',
    steps: [...EIGHT, protectedTo(2, 2, PROT.READ)],
    told: [[2, 4]],
  },
  {
    name: 'and when they are given',
    steps: [...EIGHT, protectedTo(2, 2, PROT.READ), protectedTo(2, 2, PROT.WRITE)],
    told: [[2, 4]],
  },
  {
    name: 'MADV_DONTNEED tells of its range',
    steps: [...EIGHT, advised(1, 2, MADV.DONTNEED)],
    told: [[1, 3]],
  },
  {
    name: 'so does MADV_FREE',
    steps: [...EIGHT, advised(4, 2, MADV.FREE)],
    told: [[4, 6]],
  },
  { name: 'MADV_COLD tells nobody', steps: [...EIGHT, advised(0, 8, MADV.COLD)], told: [] },
  {
    name: 'guards in place of pages do',
    steps: [...EIGHT, advised(0, 1, MADV.GUARD_INSTALL)],
    told: [[0, 1]],
  },
  {
    name: 'mremap tells of the old place twice: moved, then unmapped; not of the new one',
    steps: [...EIGHT, { call: 'mremap', page: 0, pages: 4, newPages: 4, target: 64 }],
    told: [
      [0, 4],
      [0, 4],
    ],
  },
  {
    name: 'fork tells of each VMA whose pages become common',
    steps: [...EIGHT, mapped(20, 2, MAP.SHARED), ...stored(20), { call: 'fork' }],
    told: [[0, 8]],
  },
  {
    name: 'a write that only gives a page back its right tells nobody',
    steps: [...EIGHT, { call: 'fork' }, ...stored(5)],
    told: [],
  },
  {
    name: 'a write to the page of zeroes tells of the page',
    steps: [mapped(0, 1), { call: 'load', page: 0 }, ...stored(0)],
    told: [[0, 1]],
  },
  {
    name: 'a private copy of a page of a file does',
    steps: [mapped(0, 1, MAP.PRIVATE_FILE), { call: 'load', page: 0 }, ...stored(0)],
    told: [[0, 1]],
  },
  {
    name: 'a hole that is punched tells who maps the file',
    steps: [...SHARED, { call: 'punch', page: 1, pages: 1 }],
    told: [[1, 2]],
  },
  {
    name: 'ftruncate tells of all behind the end, twice',
    steps: [...SHARED, { call: 'ftruncate', pages: 1 }],
    told: [
      [1, 8],
      [1, 8],
    ],
  },
  { name: 'a collapse tells of the huge page', steps: COLLAPSED, told: [[0, HUGE]] },
  {
    name: 'mprotect of a huge page as a whole tells once',
    steps: [...COLLAPSED, protectedTo(0, HUGE, PROT.READ)],
    told: [[0, HUGE]],
  },
  {
    name: 'mprotect of a part of it tells of the split before',
    steps: [...COLLAPSED, protectedTo(0, 1, PROT.READ)],
    told: [
      [0, HUGE],
      [0, 1],
    ],
  },
  {
    name: 'MADV_DONTNEED of a part tells of the split within',
    steps: [...COLLAPSED, advised(1, 1, MADV.DONTNEED)],
    told: [
      [1, 2],
      [0, HUGE],
    ],
  },
  {
    name: 'a collapse of memory that is a file tells of each page, then of the table',
    steps: [mapped(0, HUGE, MAP.SHARED), ...stored(0, 1), advised(0, HUGE, MADV.COLLAPSE)],
    told: [
      [0, 1],
      [1, 2],
      [0, HUGE],
    ],
  },
];

for (const { name, steps, told } of RULES) {
  test(`the engine: ${name}`, () => {
    assert.deepEqual(toldByEngine(steps).at(-1), { isDone: true, ranges: told });
  });
}

judgedTest('each of these rules is what the running kernel does', needs, () => {
  const found = toldByKernel(RULES.map(({ steps }) => steps));
  RULES.forEach(({ name, told }, at) => {
    assert.deepEqual(found[at]!.at(-1), { isDone: true, ranges: told }, name);
  });
});

judgedTest('random programs: each range, by kernel and engine', needs, () => {
  const programs = Array.from({ length: PROGRAMS }, (_, seed) => randomSteps(seed + 1));
  const byKernel = toldByKernel(programs);
  programs.forEach((steps, at) => {
    toldByEngine(steps).forEach((told, step) => {
      const where = `seed ${at + 1}, step ${step}: ${JSON.stringify(steps.slice(0, step + 1))}`;
      assert.deepEqual(told, byKernel[at]![step], where);
    });
  });
});
