/** The walk against the reference walk of `arch`, and against what the manuals say. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RandomTables } from '../../test/random_tables.ts';
import { FORMATS, formatById } from '../arch/formats.ts';
import { EntryState, entryIndex, vpn, WalkCursor, walk } from '../arch/index.ts';
import { Access, Fault } from './access.ts';
import { BY_SOFTWARE, type Updates } from './hardware.ts';
import { WalkCount, Walker } from './walker.ts';

const KINDS = Object.values(Access);

describe('a walk ends as the reference walk of the same tables', () => {
  for (const format of FORMATS) {
    test(format.id, () => {
      let pages = 0;
      fc.assert(
        fc.property(fc.integer(), fc.constantFrom(0, 2 ** 13, 2 ** 16), (seed, origin) => {
          const tables = new RandomTables(format, seed, origin);
          const memory = { lanes: tables.lanes, origin: entryIndex(origin) };
          const walker = new Walker(format, memory);
          for (let n = 0; n < 30; n++) if (compare(walker, tables, origin)) pages++;
        }),
        { numRuns: 30, includeErrorInReport: true },
      );
      assert.ok(pages > 100, `${pages} walks found a page`);
    });
  }
});

/** Compares a walk with the reference; whether it found a page. */
function compare(walker: Walker, tables: RandomTables, origin: number): boolean {
  const { format } = walker;
  const page = tables.page();
  const [at, after] = [new WalkCursor(), new WalkCursor()];
  const end = walk(format, tables.image(), tables.root, page, at);
  const kind = KINDS[tables.below(KINDS.length)]!;
  const before = walker.counters.slice();
  const result = walker.walk(tables.root, page, kind);
  const counted = walker.counters.map((count, index) => count - before[index]!);
  assert.equal(counted[WalkCount.walks], 1);
  assert.equal(counted[WalkCount.faults], result < 0 ? 1 : 0);
  const isOutside = at.entry < origin;
  if (end === EntryState.hole) assert.equal(result, isOutside ? Fault.reserved : Fault.notPresent);
  if (end === EntryState.malformed) assert.equal(result, Fault.reserved);
  if (end !== EntryState.leaf) return false;
  assert.equal(counted[WalkCount.entriesRead], format.levels - at.level);
  const granted = tables.grantsOf(page);
  const frame = format.frame(at.low, at.high, at.level) + (page % format.entryPages[at.level]!);
  if ((granted & kind) !== 0) assert.equal(result, frame);
  else assert.ok(result <= Fault.mode, `${result} of a page that grants ${granted}`);

  walk(format, tables.image(), tables.root, page, after);
  const isStore = (kind & (Access.store | Access.privilegedStore)) !== 0;
  const wasAccessed = format.accessed(at.low, at.high);
  assert.equal(format.accessed(after.low, after.high), wasAccessed || result >= 0);
  if (result >= 0 && isStore) assert.ok(format.dirty(after.low, after.high));
  else assert.equal(format.dirty(after.low, after.high), format.dirty(at.low, at.high));
  assert.equal(after.high, at.high);
  return result >= 0;
}

test('where tables lie in physical memory makes no difference', () => {
  for (const format of FORMATS) {
    let compared = 0;
    for (const origin of [2 ** 31 - 2 ** 14, 2 ** 32 - 2 ** 14, 2 ** 33]) {
      const near = new RandomTables(format, 7, 0);
      const far = new RandomTables(format, 7, origin);
      const nearWalker = new Walker(format, { lanes: near.lanes, origin: entryIndex(0) });
      const farWalker = new Walker(format, { lanes: far.lanes, origin: entryIndex(origin) });
      for (let n = 0; n < 200; n++) {
        const page = near.page();
        const kind = KINDS[n % KINDS.length]!;
        const one = nearWalker.walk(near.root, page, kind);
        const other = farWalker.walk(far.root, page, kind);
        // A bit that was turned over may lead out of the one memory and not of the other.
        if (one === Fault.reserved || other === Fault.reserved) continue;
        assert.equal(one, other);
        compared++;
      }
    }
    assert.ok(compared > 300, `${format.id}: ${compared}`);
  }
});

/** Tables at 0x1000, 0x2000 ... and these entries at these byte addresses. */
function walkerOf(id: string, entries: Readonly<Record<number, bigint>>, updates?: Updates) {
  const lanes = new Uint32Array(0x12000 / 4);
  for (const [address, entry] of Object.entries(entries)) {
    lanes[Number(address) / 4] = Number(entry & 0xffffffffn);
    lanes[Number(address) / 4 + 1] = Number(entry >> 32n);
  }
  const walker = new Walker(formatById(id)!, { lanes, origin: entryIndex(0) }, updates);
  const ask = (kind: Access, page = 0) => walker.walk(entryIndex(0x1000 / 8), vpn(page), kind);
  const entry = (address: number) =>
    (BigInt(lanes[address / 4 + 1]!) << 32n) | BigInt(lanes[address / 4]!);
  return { walker, ask, entry };
}

/** Page 0 of x86-64 with 4 levels, nothing accessed: tables at 0x1000, 0x2000, 0x3000, 0x4000. */
const x86 = (leaf: bigint, upper = 7n) => ({
  4096: 0x2000n | upper,
  8192: 0x3007n,
  12288: 0x4007n,
  16384: leaf,
});

// Intel SDM vol. 3A, 4.8: the accessed flag of every entry that is used, the dirty flag on a write.
test('x86-64 marks every entry accessed, and the leaf dirty when it is written', () => {
  const { walker, ask, entry } = walkerOf('x86_64-4level', x86(0x5007n));
  assert.equal(ask(Access.load), 5);
  assert.deepEqual([4096, 8192, 12288, 16384].map(entry), [0x2027n, 0x3027n, 0x4027n, 0x5027n]);
  assert.equal(ask(Access.store), 5);
  assert.equal(entry(16384), 0x5067n);
  assert.equal(entry(12288), 0x4027n);
  assert.deepEqual([...walker.counters], [2, 8, 4, 1, 0]);
});

// Intel SDM vol. 3A, 4.6.1: rights are those that all entries of the path allow; with CR0.WP.
test('x86-64 refuses what one entry of the path refuses, and says what', () => {
  const noUser = walkerOf('x86_64-4level', x86(0x5007n, 3n));
  assert.equal(noUser.ask(Access.load), Fault.mode);
  assert.equal(noUser.ask(Access.privilegedStore), 5);
  const readOnly = walkerOf('x86_64-4level', x86(0x5007n, 5n));
  assert.equal(readOnly.ask(Access.store), Fault.write);
  assert.equal(readOnly.ask(Access.privilegedStore), Fault.write);
  assert.equal(readOnly.ask(Access.load), 5);
  const noExecute = walkerOf('x86_64-4level', x86(0x5007n, 7n | (1n << 63n)));
  assert.equal(noExecute.ask(Access.fetch), Fault.execute);
  assert.equal(noExecute.entry(16384), 0x5027n & ~0x20n, 'a refused access marks no leaf');
});

// Intel SDM vol. 3A, 4.7: bit 7 of a PML4 entry is reserved; so are low bits of a large frame.
test('x86-64 refuses reserved bits, and finds large pages', () => {
  assert.equal(walkerOf('x86_64-4level', x86(0x5007n, 0x87n)).ask(Access.load), Fault.reserved);
  const large = { 4096: 0x2007n, 8192: 0x3007n, 12288: 0x40000087n };
  const { ask, walker } = walkerOf('x86_64-4level', large);
  assert.equal(ask(Access.load, 3), 0x40003);
  assert.equal(walker.pages(), 512);
  const odd = { ...large, 12288: 0x40002087n };
  assert.equal(walkerOf('x86_64-4level', odd).ask(Access.load), Fault.reserved);
  const huge = { 4096: 0x2007n, 8192: 0x80000087n };
  assert.equal(walkerOf('x86_64-4level', huge).ask(Access.load, 513), 0x80000 + 513);
});

// Arm ARM DDI 0487, D8.5: without TCR.HA an access flag of 0 faults, before any permission fault;
// without TCR.HD, DBM is ignored and AP[2] alone forbids writing.
test('arm64 leaves accessed and dirty to software, or to hardware where that is enabled', () => {
  const clean = 0x0008_0000_0000_5cc3n;
  const path = { 4096: 0x2003n, 8192: 0x3003n };
  const old = { ...path, 12288: clean & ~0x400n };
  const young = { ...path, 12288: clean };
  assert.equal(walkerOf('arm64-4k-39bit', old, BY_SOFTWARE).ask(Access.store), Fault.accessFlag);
  assert.equal(walkerOf('arm64-4k-39bit', young, BY_SOFTWARE).ask(Access.store), Fault.write);
  const flagOnly = walkerOf('arm64-4k-39bit', old, { accessed: true, dirty: false });
  assert.equal(flagOnly.ask(Access.store), Fault.write);
  assert.equal(flagOnly.ask(Access.load), 5);
  assert.equal(flagOnly.entry(12288), clean);
  const both = walkerOf('arm64-4k-39bit', old);
  assert.equal(both.ask(Access.store), 5);
  assert.equal(both.entry(12288), clean & ~0x80n, 'AF is set and AP[2] cleared');
  assert.equal(both.entry(8192), 0x3003n, 'tables have no access flag');
});

// Arm ARM DDI 0487, D8.4: what is writable in EL0, after APTable, is never executable in EL1.
test('arm64 lets privileged mode execute what only a table keeps user mode from writing', () => {
  const path = (tableBits: bigint) =>
    walkerOf('arm64-4k-39bit', {
      4096: 0x2003n | (tableBits << 61n),
      8192: 0x3003n,
      12288: 0x5743n,
    });
  const [noUser, readOnly] = [1n, 2n];
  assert.equal(path(0n).ask(Access.privilegedFetch), Fault.execute);
  assert.equal(path(0n).ask(Access.store), 5);
  for (const tableBits of [noUser, readOnly, noUser | readOnly]) {
    assert.equal(path(tableBits).ask(Access.privilegedFetch), 5);
    assert.notEqual(path(tableBits).ask(Access.store), 5);
  }
});

// RISC-V privileged specification, translation process, step 9: Svade faults, Svadu updates.
test('riscv64 faults on A and D that are clear, or sets them', () => {
  const entries = (leaf: bigint) => ({
    4096: (0x2000n >> 2n) | 1n,
    8192: (0x3000n >> 2n) | 1n,
    12288: (0x5000n >> 2n) | leaf,
  });
  const svade = (leaf: bigint, kind: Access) =>
    walkerOf('riscv64-sv39', entries(leaf), BY_SOFTWARE).ask(kind);
  assert.equal(svade(0x17n, Access.load), Fault.accessFlag);
  assert.equal(svade(0x57n, Access.load), 5);
  assert.equal(svade(0x57n, Access.store), Fault.dirtyFlag);
  assert.equal(svade(0x53n, Access.store), Fault.write);
  assert.equal(svade(0x57n, Access.privilegedLoad), Fault.mode, 'a user page, SUM being clear');
  const svadu = walkerOf('riscv64-sv39', entries(0x17n));
  assert.equal(svadu.ask(Access.store), 5);
  assert.equal(svadu.entry(12288), (0x5000n >> 2n) | 0xd7n);
});

// Power ISA 3.0B, Book III, 5.7.12, 5.7.13: encoded access authority, reference and change bits.
test('ppc64 sets reference and change, and keeps user mode out of privileged pages', () => {
  const entries = (leaf: bigint) => ({
    4096: 0x8000_0000_0000_2009n,
    8192: 0x8000_0000_0000_3009n,
    12288: 0x8000_0000_0000_4005n,
    16384: leaf,
  });
  const page = 0xc000_0000_0012_0006n;
  const { ask, entry } = walkerOf('ppc64-radix-64k', entries(page));
  assert.equal(ask(Access.store), 0x12);
  assert.equal(entry(16384), page | 0x180n);
  const privileged = walkerOf('ppc64-radix-64k', entries(page | 8n));
  assert.equal(privileged.ask(Access.load), Fault.mode);
  assert.equal(privileged.ask(Access.privilegedLoad), 0x12);
  assert.equal(privileged.ask(Access.privilegedFetch), Fault.execute);
});

test('hardware that has no choice is not left without updates', () => {
  assert.throws(() => walkerOf('x86_64-4level', {}, BY_SOFTWARE), /leaves accessed and dirty/);
});
