/** What a fault on a file on a disk reads. Facts: kernel 6.18 on ext4 with read_ahead_kb 8192, measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import {
  fallocate,
  ftruncate,
  madvise,
  mincore,
  mmap,
  newInode,
  type OpenFile,
  Rss,
  run,
  writeFile,
} from '../index.ts';

const START = 16 * TABLE;
const MAP = { SHARED: 0x1, PRIVATE: 0x2, FIXED: 0x10 } as const;
const MADV = { RANDOM: 1, SEQUENTIAL: 2, HUGEPAGE: 14, PAGEOUT: 21 } as const;
const FALLOC = { KEEP_SIZE: 1, PUNCH_HOLE: 2, ZERO_RANGE: 16 } as const;

/** A file on a disk, mapped from its first page on. */
class Mapped extends OneProcess {
  readonly file: OpenFile;
  readonly #pages: number;

  constructor(filePages: number, { pages = 8192, prot = PROT.READ | (PROT.WRITE as number) } = {}) {
    super({ readAheadPages: 2048, frames: 2 ** 14 });
    this.#pages = pages;
    const inode = newInode(this.task.machine, 0, { fileSystem: 'ext4' });
    const access = { isReadable: true, isWritable: true, isExecutable: true, pagesMax: 2 ** 32 };
    this.file = { mapped: { inode }, ...access };
    run(ftruncate(this.task, this.file, filePages * PAGE_BYTES));
    const flags = MAP.FIXED | ((prot & PROT.WRITE) === 0 ? MAP.PRIVATE : MAP.SHARED);
    const place = { address: START * PAGE_BYTES, length: pages * PAGE_BYTES };
    run(mmap(this.task, { ...place, prot, flags, file: this.file, offset: 0 }));
  }

  advise(advice: number, start = 0, pages: number = this.#pages): this {
    run(madvise(this.task, (START + start) * PAGE_BYTES, pages * PAGE_BYTES, advice));
    return this;
  }

  read(page: number): this {
    assert.ok(this.load(START + page) >= 0);
    this.check();
    return this;
  }

  write(page: number): this {
    this.fill(START + page, 1);
    return this;
  }

  /** Runs of pages that are in memory. */
  get resident(): string {
    const bytes = new Uint8Array(this.#pages);
    run(mincore(this.task, START * PAGE_BYTES, this.#pages * PAGE_BYTES, bytes));
    const runs: [number, number][] = [];
    for (const [page, byte] of bytes.entries()) {
      if (byte === 0) continue;
      const last = runs.at(-1);
      if (last?.[1] === page - 1) last[1] = page;
      else runs.push([page, page]);
    }
    return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
  }

  get mapped(): number {
    return this.task.mm.rss[Rss.FILE]!;
  }
}

const CODE = PROT.READ | PROT.EXEC;

test('a miss reads around it, code from the miss to the end of its VMA', () => {
  assert.equal(new Mapped(4096).read(1280).resident, '256-2303');
  assert.equal(new Mapped(8192, { prot: CODE, pages: 1536 }).read(1279).resident, '1279-1535');
  assert.equal(
    new Mapped(8192, { prot: CODE }).advise(MADV.RANDOM).read(1280).resident,
    '1280-3327',
  );
});

test('advice decides how much is read', () => {
  assert.equal(new Mapped(8192).advise(MADV.RANDOM).read(1280).resident, '1280');
  assert.equal(new Mapped(8192).advise(MADV.SEQUENTIAL).read(0).resident, '0-2047');
  assert.equal(new Mapped(8192).advise(MADV.SEQUENTIAL).read(1).resident, '1-2048');
});

test('who comes to the mark has more read, and maps around it then', () => {
  const around = new Mapped(8192).read(1280);
  assert.equal(around.read(1792).resident, '256-4351');
  assert.equal(around.mapped, 32);
  assert.equal(new Mapped(8192).advise(MADV.SEQUENTIAL).read(0).read(1024).resident, '0-4095');
});

test('pages that are there already move the mark, not the end', () => {
  const mapped = new Mapped(768);
  run(writeFile(mapped.task, mapped.file, PAGE_BYTES, 3 * PAGE_BYTES, 1));
  assert.equal(mapped.read(0).read(248).read(256).mapped, 48);
  assert.equal(mapped.resident, '0-767');
});

test('MADV_HUGEPAGE has large folios read, which are mapped whole', () => {
  const huge = new Mapped(8192).advise(MADV.HUGEPAGE).read(1280);
  assert.deepEqual([huge.resident, huge.mapped], ['1024-2047', 512]);
  const small = (pages: number): Mapped => new Mapped(pages).advise(MADV.HUGEPAGE);
  assert.equal(small(301).read(5).mapped, 256);
  assert.equal(small(301).read(300).mapped, 13);
  assert.equal(small(288).read(272).mapped, 32);
});

test('a hole splits large folios, unless they are dirty: then they are unmapped only', () => {
  const punch = (mapped: Mapped): Mapped => {
    const mode = FALLOC.KEEP_SIZE | FALLOC.PUNCH_HOLE;
    assert.equal(run(fallocate(mapped.task, mapped.file, mode, 0x55100, 0x8200)), 0);
    mapped.check();
    return mapped;
  };
  const clean = punch(new Mapped(288).advise(MADV.HUGEPAGE).read(80)).read(80);
  assert.deepEqual([clean.resident, clean.mapped], ['0-85 93-287', 9]);
  const dirty = punch(new Mapped(288).advise(MADV.HUGEPAGE).write(80));
  assert.deepEqual([dirty.resident, dirty.mapped], ['0-287', 0]);
  assert.equal(dirty.read(80).mapped, 256);
});

test('pages in which a file ended or a hole does are there, but not read', () => {
  const cut = new Mapped(80);
  run(ftruncate(cut.task, cut.file, 0x3001));
  run(ftruncate(cut.task, cut.file, 80 * PAGE_BYTES));
  assert.deepEqual([cut.read(2).resident, cut.mapped], ['0-2 4-79', 15]);
  assert.equal(cut.read(3).resident, '0-79');
  const zeroed = new Mapped(80);
  const mode = FALLOC.KEEP_SIZE | FALLOC.ZERO_RANGE;
  run(fallocate(zeroed.task, zeroed.file, mode, 0x2100, 0x8000));
  assert.equal(zeroed.read(0).resident, '0-1 3-9 11-79');
  const grown = new Mapped(0);
  run(fallocate(grown.task, grown.file, 0, 0, 0x3100));
  assert.equal(grown.read(2).resident, '0-2');
});

test('what MADV_PAGEOUT has to write first is marked, too', () => {
  const mapped = new Mapped(64).write(5);
  for (let page = 0; page < 16; page++) mapped.read(page);
  mapped.advise(MADV.PAGEOUT, 0, 64).read(0);
  assert.deepEqual([mapped.resident, mapped.mapped], ['0-63', 15]);
});
