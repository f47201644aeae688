/** What TLBs and walk caches may hold, and what drops it: rules of the manuals, case by case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../arch/formats.ts';
import { entryIndex, type Pfn, vpn } from '../arch/index.ts';
import { Access, Fault } from './access.ts';
import { EVERY_ASID, GLOBAL_TOO, LEAF_ONLY, Mmu, MmuCount } from './mmu.ts';
import { type MmuShape, SKYLAKE } from './shape.ts';
import { WalkCount } from './walker.ts';

const format = formatById('x86_64-4level')!;
const USER_RW = 0x7;
const GLOBAL_BIT = 0x100;
/** Two address spaces: roots in tables 0 and 1, then a path of tables 2, 3, 4 that both use. */
const ROOTS = [entryIndex(0), entryIndex(512)] as const;
const LEAVES = 4 * 512;

function machine(shape: MmuShape = SKYLAKE) {
  const lanes = new Uint32Array(6 * 1024);
  const set = (place: number, frame: number, bits: number) => {
    lanes[place * 2] = frame * 4096 + bits;
  };
  set(0, 2, USER_RW);
  set(512, 2, USER_RW);
  set(2 * 512, 3, USER_RW);
  set(3 * 512, 4, USER_RW);
  for (let page = 0; page < 8; page++) set(LEAVES + page, 100 + page, USER_RW);
  const mmu = new Mmu(format, { lanes, origin: entryIndex(0) }, shape);
  mmu.switchTo(1, ROOTS[0]);
  const load = (page = 0) => mmu.access(vpn(page), Access.load);
  return { mmu, lanes, set, load };
}

test('a translation stays until its page is invalidated', () => {
  const { mmu, set, load } = machine();
  assert.equal(load(), 100);
  set(LEAVES, 200, USER_RW);
  assert.equal(load(), 100);
  mmu.invalidatePage(vpn(1), 1);
  assert.equal(load(), 100, 'of another page');
  mmu.invalidatePage(vpn(0), 2);
  assert.equal(load(), 100, 'of another address space');
  mmu.invalidatePage(vpn(0), 1);
  assert.equal(load(), 200);
});

// Intel SDM vol. 3A, 4.10.1 and 4.10.2.4: PCIDs tell translations apart, but for global ones.
test('an address space uses its own translations, and global ones', () => {
  const { mmu, set, load } = machine();
  set(LEAVES + 1, 101, USER_RW | GLOBAL_BIT);
  assert.deepEqual([load(0), load(1)], [100, 101]);
  set(LEAVES, 200, USER_RW);
  set(LEAVES + 1, 201, USER_RW | GLOBAL_BIT);
  mmu.switchTo(2, ROOTS[1]);
  assert.deepEqual([load(0), load(1)], [200, 101]);
  mmu.switchTo(1, ROOTS[0]);
  assert.deepEqual([load(0), load(1)], [100, 101]);
});

// Intel SDM vol. 3A, 4.10.4.1: INVPCID of a context, MOV to CR3, keep global translations; of all
// contexts but global (type 3), and with them (type 2).
test('invalidations of address spaces keep global translations unless told', () => {
  const { mmu, set, load } = machine();
  const fill = () => {
    mmu.invalidateSpace(EVERY_ASID, GLOBAL_TOO);
    assert.equal(mmu.tlb.count(), 0);
    set(LEAVES, 100, USER_RW);
    set(LEAVES + 1, 101, USER_RW | GLOBAL_BIT);
    load(0);
    load(1);
    set(LEAVES, 200, USER_RW);
    set(LEAVES + 1, 201, USER_RW | GLOBAL_BIT);
  };
  fill();
  mmu.invalidateSpace(2);
  assert.deepEqual([load(0), load(1)], [100, 101]);
  mmu.invalidateSpace(1);
  assert.deepEqual([load(0), load(1)], [200, 101]);
  fill();
  mmu.invalidateSpace(EVERY_ASID);
  assert.deepEqual([load(0), load(1)], [200, 101]);
  mmu.invalidatePage(vpn(1), 1);
  assert.equal(load(1), 101);
  mmu.invalidatePage(vpn(1), 1, GLOBAL_TOO);
  assert.equal(load(1), 201);
});

// Intel SDM vol. 3A, 4.10.3; Arm ARM, TLBI VALE1: "last level" leaves the walk caches.
test('a walk starts where a walk cache sends it, also to a table that is no longer linked', () => {
  const { mmu, set, load } = machine();
  load(0);
  const before = mmu.walker.counters[WalkCount.entriesRead]!;
  assert.equal(load(1), 101);
  assert.equal(mmu.walker.counters[WalkCount.entriesRead]! - before, 1);
  set(3 * 512, 0, 0);
  mmu.invalidatePage(vpn(2), 1, LEAF_ONLY);
  assert.equal(load(2), 102, 'the table of level 0 is remembered');
  mmu.invalidatePage(vpn(3), 1);
  assert.equal(load(3), Fault.notPresent);
});

// Intel SDM vol. 3A, 4.8: a store through a clean translation sets the dirty flag in memory.
test('a store to a clean page walks again and marks it, if it is still there', () => {
  const { mmu, lanes, set, load } = machine();
  load();
  assert.equal(lanes[LEAVES * 2]! & 0x40, 0);
  assert.equal(mmu.access(vpn(0), Access.store), 100);
  assert.equal(lanes[LEAVES * 2]! & 0x40, 0x40);
  const walks = mmu.walker.counters[WalkCount.walks];
  assert.equal(mmu.access(vpn(0), Access.store), 100);
  assert.equal(mmu.walker.counters[WalkCount.walks], walks);
  load(1);
  set(LEAVES + 1, 0, 0);
  assert.equal(load(1), 101);
  assert.equal(mmu.access(vpn(1), Access.store), Fault.notPresent);
});

// Intel SDM vol. 3A, 4.10.4.1: page faults invalidate, so that a spurious one is not repeated.
test('a fault from a stale translation happens once on x86-64', () => {
  const { mmu, set, load } = machine();
  set(LEAVES, 100, 0x5);
  assert.equal(load(), 100);
  set(LEAVES, 100, USER_RW);
  assert.equal(mmu.access(vpn(0), Access.store), Fault.write);
  assert.equal(mmu.access(vpn(0), Access.store), 100);
});

test('a hole is not remembered, and an address that is not canonical has no translation', () => {
  const { mmu, set, load } = machine();
  assert.equal(load(9), Fault.notPresent);
  set(LEAVES + 9, 109, USER_RW);
  assert.equal(load(9), 109);
  assert.equal(mmu.access(vpn(2 ** 40), Access.load), Fault.notCanonical);
});

// Intel SDM vol. 3A, 4.10.2.3: a large page may be held in pieces, which INVLPG drops all.
test('a large page that is held in pieces goes with any of its addresses', () => {
  const small = { tlb: [[{ sets: 3, ways: 5, pages: [1] }]], walkCaches: [] };
  const { mmu, lanes, load } = machine(small);
  lanes[3 * 512 * 2] = format.leafLow((512 * 7) as Pfn, 0xf, 1);
  assert.deepEqual([load(1), load(77)], [512 * 7 + 1, 512 * 7 + 77]);
  lanes[3 * 512 * 2] = format.leafLow((512 * 8) as Pfn, 0xf, 1);
  assert.equal(load(77), 512 * 7 + 77);
  mmu.invalidatePage(vpn(300), 1);
  assert.deepEqual([load(1), load(77)], [512 * 8 + 1, 512 * 8 + 77]);
});

test('the entry that is replaced is one that was not used since all others were', () => {
  const { mmu, load } = machine({ tlb: [[{ sets: 1, ways: 3, pages: [1] }]], walkCaches: [] });
  for (const page of [0, 1, 2, 0, 3]) load(page);
  const misses = () => mmu.counters[MmuCount.misses]!;
  const before = misses();
  load(0);
  load(3);
  assert.equal(misses(), before);
  load(1);
  assert.equal(misses(), before + 1);
});

test('a faster level is refilled from a slower one', () => {
  const tlb = [[{ sets: 1, ways: 1, pages: [1] }], [{ sets: 1, ways: 4, pages: [1, 512] }]];
  const { mmu, load } = machine({ tlb, walkCaches: [] });
  load(0);
  load(1);
  const walks = mmu.walker.counters[WalkCount.walks]!;
  assert.deepEqual([load(0), load(0), load(1)], [100, 100, 101]);
  assert.equal(mmu.walker.counters[WalkCount.walks], walks);
  assert.equal(mmu.counters[MmuCount.slowHits], 2);
});

test('a state is saved and restored by copying its parts', () => {
  const { mmu, set, load } = machine();
  load();
  const saved = mmu.parts().map((part) => part.slice());
  set(LEAVES, 200, USER_RW);
  mmu.switchTo(2, ROOTS[1]);
  mmu.invalidateSpace(EVERY_ASID, GLOBAL_TOO);
  assert.equal(load(), 200);
  mmu.parts().forEach((part, index) => {
    part.set(saved[index]!);
  });
  assert.equal(load(), 100);
});

test('arm64 holds a contiguous run as one, and each half has its root', () => {
  const arm = formatById('arm64-4k-39bit')!;
  const lanes = new Uint32Array(4 * 1024);
  const table = (place: number, to: number) => {
    lanes[place * 2] = arm.tableLow(entryIndex(to * 512), 1);
  };
  table(0, 1);
  table(512, 2);
  for (let page = 0; page < 16; page++) {
    lanes[(2 * 512 + page) * 2] = arm.leafLow((64 + page) as Pfn, 0xbf, 0);
    lanes[(2 * 512 + page) * 2 + 1] = arm.leafHigh((64 + page) as Pfn, 0xbf, 0);
  }
  const tlb = [[{ sets: 4, ways: 2, pages: [1, 16] }]];
  const mmu = new Mmu(arm, { lanes, origin: entryIndex(0) }, { tlb, walkCaches: [] });
  mmu.switchTo(5, entryIndex(0));
  assert.equal(mmu.access(vpn(3), Access.load), 67);
  assert.equal(mmu.access(vpn(12), Access.store), 76);
  assert.equal(mmu.walker.counters[WalkCount.walks], 1);
  assert.equal(mmu.tlb.count(), 1);
  const upper = vpn(2 ** 52 - 2 ** 27);
  assert.equal(mmu.access(upper, Access.load), Fault.notCanonical);
  mmu.switchTo(5, entryIndex(0), entryIndex(0));
  assert.equal(mmu.access(upper, Access.load), 64);
});
