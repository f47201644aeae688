/** What a userfaultfd is told of faults and changes: the running kernel and the engine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatById } from '../../src/arch/index.ts';
import type { OpenFile, Task, Userfaultfd } from '../../src/mm/index.ts';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { mm } from './engine/build.ts';
import { referenceHost } from './reference_host.ts';

// From dist/test/kernel/ back to the sources, which the TypeScript compiler does not copy.
const SOURCE = fileURLToPath(new URL('../../../test/kernel/uffd_events.c', import.meta.url));

const PAGE_BYTES = 4096;
const PAGES = 8;
const AREA = 0x20000;
const OTHER = AREA + 2 * PAGES;
const ALIAS = 0x40000;
const SPARE = 0x60000;
const RW = 3;
const SHARED_FIXED = 0x11;
const PRIVATE_FIXED = 0x32;
const { UffdFeature, UffdMode } = mm;

const at = (page: number): number => page * PAGE_BYTES;

interface Case {
  readonly name: string;
  readonly mode: number;
  readonly isShared?: true;
  readonly features?: number;
  readonly act: (task: Task) => void;
}

const load = (page: number) => (task: Task) => void mm.run(mm.load(task, AREA + page));
const store = (page: number) => (task: Task) => void mm.run(mm.store(task, AREA + page, 1));
const moved = { flags: 3, oldLength: at(PAGES), newLength: at(PAGES), newAddress: at(OTHER) };
const { MISSING, WP, MINOR } = UffdMode;

/** As in the C program. */
const CASES: readonly Case[] = [
  { name: 'missing, read', mode: MISSING, act: load(1) },
  { name: 'missing, write', mode: MISSING, act: store(2) },
  { name: 'missing, within', mode: MISSING, act: store(3) },
  { name: 'wp', mode: WP, act: store(2) },
  { name: 'wp of a file', mode: WP, isShared: true, act: store(2) },
  { name: 'minor, read', mode: MINOR, isShared: true, act: load(1) },
  { name: 'minor, write', mode: MINOR, isShared: true, act: store(2) },
  {
    name: 'fork',
    mode: MISSING,
    features: UffdFeature.EVENT_FORK,
    act: (task) => void mm.run(mm.fork(task, 0)),
  },
  {
    name: 'remove',
    mode: MISSING,
    features: UffdFeature.EVENT_REMOVE,
    act: (task) => void mm.run(mm.madvise(task, at(AREA + 1), at(2), 4)),
  },
  {
    name: 'unmap',
    mode: MISSING,
    features: UffdFeature.EVENT_UNMAP,
    act: (task) => void mm.run(mm.munmap(task, at(AREA + 6), at(2))),
  },
  {
    name: 'remap',
    mode: MISSING,
    features: UffdFeature.EVENT_REMAP,
    act: (task) => void mm.run(mm.mremap(task, { address: at(AREA), ...moved })),
  },
];

/** What the engine tells: nobody waits, the messages stay. */
function linesOf({ name, mode, isShared, features = 0, act }: Case): string[] {
  const format = formatById('x86_64-4level')!;
  const machine = new mm.Machine({ format, mms: 2, frames: 64, tables: 64, vmas: 32, inodes: 4 });
  const task = mm.run(mm.newProcess(machine, 0))!;
  const file = mm.memfdCreate(task, 1, 0) as OpenFile;
  mm.run(mm.ftruncate(task, file, at(PAGES)));
  const map = (page: number, isFile: boolean) => {
    const flags = isFile ? SHARED_FIXED : PRIVATE_FIXED;
    const what = { file: isFile ? file : undefined, offset: 0, prot: RW, flags };
    mm.run(mm.mmap(task, { ...what, address: at(page), length: at(PAGES) }));
  };
  map(AREA, isShared === true);
  map(ALIAS, true);
  map(SPARE, false);
  const touched = isShared === true ? ALIAS : mode === WP ? AREA : SPARE;
  for (let page = 0; page < PAGES; page++) mm.run(mm.store(task, touched + page, 1));
  const uffd = mm.userfaultfd(task, 0) as Userfaultfd;
  mm.uffdioApi(task, uffd, 0xaa, features);
  mm.run(mm.uffdioRegister(task, uffd, at(AREA), at(PAGES), mode));
  if (mode === WP) mm.run(mm.uffdioWriteprotect(task, uffd, at(AREA), at(PAGES), 1));
  act(task);
  const lines: string[] = [];
  if (features !== 0) {
    const request = { start: at(AREA), source: at(SPARE), length: PAGE_BYTES, mode: 0 };
    const { result } = mm.run(mm.uffdioCopy(task, uffd, request));
    lines.push(`${name}: COPY while it waits: ${-result}`);
  }
  return [...lines, `${name}: ${toldBy(task, uffd)}`];
}

function toldBy(task: Task, uffd: Userfaultfd): string {
  const message = mm.run(mm.readUserfaultfd(task, uffd));
  switch (message?.kind) {
    case 'pagefault':
      return `fault ${message.page - AREA} flags ${message.flags}`;
    case 'fork':
      return 'fork';
    case 'remap':
      return `remap ${message.from - AREA} to ${message.to - OTHER}, ${message.pages} pages`;
    case 'remove':
    case 'unmap':
      return `${message.kind} ${message.start - AREA} to ${message.end - AREA}`;
    default:
      return 'nothing';
  }
}

const needs = [root, commands('gcc'), referenceHost];

judgedTest('a userfaultfd is told by the engine what it is told by the kernel', needs, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-uffd-'));
  try {
    const binary = join(folder, 'uffd_events');
    execFileSync('gcc', [
      '-std=gnu11',
      '-O1',
      '-Wall',
      '-Werror',
      '-pthread',
      '-o',
      binary,
      SOURCE,
    ]);
    const told = execFileSync(binary, { encoding: 'utf8' }).trimEnd().split('\n');
    assert.deepEqual(CASES.flatMap(linesOf), told);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
