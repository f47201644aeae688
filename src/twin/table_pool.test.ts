import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TablePool } from './table_pool.ts';

test('TablePool divides each table evenly among its users, whatever the overlap', () => {
  const use = fc.record({
    key: fc.constantFrom('a', 'b'),
    start: fc.nat(30),
    count: fc.integer({ min: 1, max: 12 }),
    payer: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(use, { minLength: 1, maxLength: 40 }), (uses) => {
      const pool = new TablePool();
      // Table by table, as the pool must not do it.
      const users = new Map<string, number[]>();
      for (const { key, start, count, payer } of uses) {
        pool.use(key, start, start + count, payer, 0);
        for (let table = start; table < start + count; table++) {
          const name = `${key}${table}`;
          users.set(name, [...(users.get(name) ?? []), payer]);
        }
      }
      const expected = new Float64Array(6);
      for (const payers of users.values()) {
        for (const payer of payers) expected[payer]! += 1 / payers.length;
      }
      const charged = new Float64Array(6);
      const distinct = pool.settle((payer, _item, pages) => {
        charged[payer]! += pages;
      });
      assert.equal(distinct, users.size);
      for (const [payer, pages] of expected.entries()) {
        assert.ok(Math.abs(charged[payer]! - pages) < 1e-9);
      }
    }),
  );
});
