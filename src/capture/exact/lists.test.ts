import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHAIN_MAX, type KernelReader } from './kernel_reader.ts';
import { listNodes } from './lists.ts';

/** A reader that knows only list heads: address, then where it points, forward and backward. */
function readerOf(heads: ReadonlyMap<bigint, readonly [bigint, bigint]>): KernelReader {
  const nothing = (): never => assert.fail('only lists are read');
  return {
    btf: undefined as never,
    currentTask: 0n,
    read: nothing,
    readFrames: nothing,
    follow: (first, _bytes, count, visit) => {
      let at = first;
      for (let index = 0; index < count; index++) {
        const head = heads.get(at);
        visit(head && new Uint32Array(BigUint64Array.from(head).buffer), index);
        at = head?.[0] ?? 0n;
      }
    },
    frameOf: nothing,
    close: nothing,
  };
}

const CIRCLE: readonly (readonly [bigint, readonly [bigint, bigint]])[] = [
  [16n, [32n, 48n]],
  [32n, [48n, 16n]],
  [48n, [16n, 32n]],
];

test('listNodes() follows a circle from any of its nodes', () => {
  assert.deepEqual(listNodes(readerOf(new Map(CIRCLE)), 32n, 3), [32n, 48n, 16n]);
});

test('listNodes() follows a circle longer than one run', () => {
  const count = 3 * CHAIN_MAX + 1;
  const at = (index: number): bigint => BigInt(16 * (1 + ((index + count) % count)));
  const nodes = Array.from({ length: count }, (_, index) => index);
  const heads = nodes.map((index) => [at(index), [at(index + 1), at(index - 1)]] as const);
  assert.deepEqual(listNodes(readerOf(new Map(heads)), at(0), count), nodes.map(at));
});

test('listNodes() finds a circle of one', () => {
  assert.deepEqual(listNodes(readerOf(new Map([[16n, [16n, 16n]]])), 16n, 1), [16n]);
});

test('listNodes() starts again where a node does not point back, as one that was freed', () => {
  const heads = new Map(CIRCLE);
  heads.set(48n, [16n, 0n]);
  const reader = readerOf(heads);
  let runs = 0;
  const mended: KernelReader = {
    ...reader,
    follow: (...request) => {
      if (++runs === 2) heads.set(48n, [16n, 32n]);
      reader.follow(...request);
    },
  };
  assert.deepEqual(listNodes(mended, 16n, 3), [16n, 32n, 48n]);
  assert.equal(runs, 2);
});

test('listNodes() gives up on a list that never holds still, or leads out of memory', () => {
  for (const next of [64n, 80n]) {
    const heads = new Map(CIRCLE).set(64n, [16n, 16n]).set(48n, [next, 32n]);
    assert.equal(listNodes(readerOf(heads), 16n, 10), undefined);
  }
});

test('listNodes() gives up on a circle that is longer than it can be', () => {
  assert.equal(listNodes(readerOf(new Map(CIRCLE)), 16n, 2), undefined);
});
