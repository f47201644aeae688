/** The buddy system, recounted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../test/kernel/random.ts';
import { newWorld } from '../../../test/mm/small_world.ts';
import { newSeed } from '../../../test/seed.ts';
import * as mm from '../index.ts';
import { NONE, ORDER_SHIFT, type World } from '../world/world.ts';
import { ORDER_MAX } from './buddy.ts';
import { allocFolio, putFrame } from './frame.ts';

/** Free blocks as `first-order`, from the lists. */
function freeBlocks(world: World): string[] {
  const blocks: string[] = [];
  for (let order = 0; order <= ORDER_MAX; order++) {
    for (let frame = world.freeAreas[order]!; frame >= 0; ) {
      assert.equal(world.frameFlags[frame]! >>> ORDER_SHIFT, order);
      assert.equal(frame % 2 ** order, 0, 'a block is aligned to its size');
      blocks.push(`${frame}-${order}`);
      const next = world.frameIndex[frame]!;
      frame = next === 0xffffffff ? NONE : next;
    }
  }
  return blocks;
}

const framesOf = (blocks: readonly string[]): number =>
  blocks.reduce((sum, block) => sum + 2 ** Number(block.split('-')[1]), 0);

test('what is freed joins with its buddies until memory is as it was', () => {
  const seed = newSeed();
  const random = new Random(seed);
  const world = newWorld(mm, { frames: 5000 });
  const before = freeBlocks(world).sort();
  assert.equal(framesOf(before), 4999, 'all but the zero page');
  const folios: { head: number; order: number }[] = [];
  let held = 0;
  for (let step = 0; step < 20_000; step++) {
    const order = 1 + random.below(ORDER_MAX);
    if (random.below(3) > 0) {
      const head = mm.run(allocFolio(world, 0, order));
      const canFit = freeBlocks(world).some((block) => Number(block.split('-')[1]) >= order);
      if (head === NONE) {
        assert.equal(canFit, false, `seed ${seed}: a block that is there is given out`);
        continue;
      }
      folios.push({ head, order });
      held += 2 ** order;
    } else if (folios.length > 0) {
      const [folio] = folios.splice(random.below(folios.length), 1);
      // Any frame of a folio stands for it.
      mm.run(putFrame(world, 0, folio!.head + random.below(2 ** folio!.order)));
      held -= 2 ** folio!.order;
    }
    if (step % 100 === 0) assert.equal(framesOf(freeBlocks(world)) + held, 4999, `seed ${seed}`);
  }
  for (const { head } of folios) mm.run(putFrame(world, 0, head));
  assert.deepEqual(freeBlocks(world).sort(), before, `seed ${seed}`);
  assert.equal(mm.violationOf(world), undefined);
});
