/** The kernel's doubly linked circles, read without any of its locks. */
import { CHAIN_MAX, type KernelReader, pointerAt } from './kernel_reader.ts';

const LIST_HEAD_BYTES = 16;
const ATTEMPTS_MAX = 20;

/**
 * The addresses of all `struct list_head`s in the circle of `first`, itself included.
 *
 * Nothing stops the kernel from changing the circle meanwhile. A node is believed only if it points
 * back to where the reader came from; the walk starts again if one does not.
 *
 * @returns undefined if there is no circle of at most `nodesMax`, or if it never holds still
 */
export function listNodes(
  reader: KernelReader,
  first: bigint,
  nodesMax: number,
): bigint[] | undefined {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const nodes = tryList(reader, first, nodesMax);
    if (nodes !== undefined) return nodes;
  }
  return undefined;
}

function tryList(reader: KernelReader, first: bigint, nodesMax: number): bigint[] | undefined {
  const nodes: bigint[] = [];
  let at = first;
  while (nodes.length < nodesMax) {
    for (const links of followLinks(reader, at)) {
      const pointsBack = nodes.length === 0 || links?.previous === nodes.at(-1);
      if (links === undefined || !pointsBack) return undefined;
      nodes.push(at);
      at = links.next;
      if (at === first) return nodes.length <= nodesMax ? nodes : undefined;
    }
  }
  return undefined;
}

interface Links {
  readonly next: bigint;
  readonly previous: bigint;
}

/** Links of `CHAIN_MAX` nodes from `at` on; undefined where no memory is. */
function followLinks(reader: KernelReader, at: bigint): readonly (Links | undefined)[] {
  const chain: (Links | undefined)[] = [];
  reader.follow(at, LIST_HEAD_BYTES, CHAIN_MAX, (words) =>
    chain.push(words && { next: pointerAt(words, 0), previous: pointerAt(words, 8) }),
  );
  return chain;
}
