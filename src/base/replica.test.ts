import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Replica } from './replica.ts';

class Node {
  readonly name: string;
  next: Node | undefined;
  readonly words = new Int32Array([1, 2]);

  constructor(name: string) {
    this.name = name;
  }
}

/** A ring of two nodes, known to an array, a map and a set. */
function newGraph() {
  const [one, other] = [new Node('one'), new Node('other')];
  one.next = other;
  other.next = one;
  return {
    ring: one as Node | undefined,
    list: [one, other] as (Node | undefined)[],
    byName: new Map([['one', one]]),
    known: new Set<object>([other]),
    count: 0.5,
  };
}

test('a replica is what was copied, in objects of its own', () => {
  const graph = newGraph();
  const { root } = new Replica(graph);
  assert.deepStrictEqual(root, newGraph());
  assert.notEqual(root.ring, graph.ring);
  assert.equal(root.ring!.next!.next, root.ring);
});

test('whatever was changed is brought back, in the same objects', () => {
  const replica = new Replica(newGraph());
  const { root } = replica;
  const { ring, list, byName } = root;
  for (let time = 0; time < 3; time++) {
    root.ring = undefined;
    root.count++;
    ring!.words[1] = 7;
    ring!.next = new Node('third');
    list.reverse();
    list.push(undefined, ring);
    byName.clear();
    byName.set('third', ring!);
    root.known.add(root);
    assert.ok(replica.reset());
    assert.deepStrictEqual(root, newGraph());
    assert.equal(root.ring, ring);
    assert.equal(root.list[0], ring);
    assert.equal(root.byName.get('one'), ring);
  }
  list.length = 0;
  assert.ok(replica.reset());
  assert.deepStrictEqual(root, newGraph());
});

test('an object that has got or lost a property is not brought back', () => {
  for (const change of [
    (node: Node) => Object.assign(node, { more: 1 }),
    (node: Node) => delete (node as Partial<Node>).next,
  ]) {
    const replica = new Replica(newGraph());
    change(replica.root.ring!);
    assert.equal(replica.reset(), false);
  }
});
