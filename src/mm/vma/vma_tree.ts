/**
 * The VMAs of an address space, in order: a treap whose nodes know the largest gap below them.
 *
 * Every question takes time with the logarithm of the number of VMAs; so does the search for a gap
 * unless bounds cut off what would fit.
 */
import { assert } from '../../base/assert.ts';
import { SHAPE, type Vma } from './vma.ts';

interface Node {
  readonly vma: Vma;
  /** Not below that of any node under it: random, which keeps the tree flat. */
  readonly priority: number;
  left: Node | undefined;
  right: Node | undefined;
  /** Of all VMAs of the subtree: the lowest start, the highest end, the largest gap between two. */
  start: number;
  end: number;
  gap: number;
}

/** Every node is made here, so that all have the same shape: a search allocates nothing then. */
function newNode(vma: Vma, priority: number, start: number, end: number, gap: number): Node {
  return { vma, priority, left: undefined, right: undefined, start, end, gap };
}

newNode(SHAPE, 0, 0.5, 0.5, 0.5);

/** What a gap has to offer: so many pages within `[low, high)`. */
interface GapWanted {
  readonly length: number;
  readonly low: number;
  readonly high: number;
  readonly isHighest: boolean;
}

export class VmaTree {
  // Not `#`: states are saved by copying their objects.
  private root: Node | undefined;
  private count = 0;
  private random = 1;

  get size(): number {
    return this.count;
  }

  /** The lowest VMA that ends above `page`. */
  find(page: number): Vma | undefined {
    let found: Vma | undefined;
    for (let node = this.root; node !== undefined; ) {
      if (node.vma.end > page) {
        found = node.vma;
        node = node.left;
      } else node = node.right;
    }
    return found;
  }

  /** The highest VMA that ends at or below `page`. */
  below(page: number): Vma | undefined {
    let found: Vma | undefined;
    for (let node = this.root; node !== undefined; ) {
      if (node.vma.end <= page) {
        found = node.vma;
        node = node.right;
      } else node = node.left;
    }
    return found;
  }

  /** The VMA that contains `page`. */
  at(page: number): Vma | undefined {
    const vma = this.find(page);
    return vma !== undefined && vma.start <= page ? vma : undefined;
  }

  next(vma: Vma): Vma | undefined {
    return this.find(vma.end);
  }

  previous(vma: Vma): Vma | undefined {
    return this.below(vma.start);
  }

  /** The VMAs that overlap `[start, end)`, upwards. */
  within(start: number, end: number): Vma[] {
    const found: Vma[] = [];
    if (start < end) collect(this.root, start, end, found);
    return found;
  }

  all(): Vma[] {
    return this.within(0, Number.MAX_SAFE_INTEGER);
  }

  insert(vma: Vma): void {
    assert(vma.start < vma.end, 'a VMA is not empty');
    assert((this.find(vma.start)?.start ?? vma.end) >= vma.end, 'VMAs do not overlap');
    this.random = (Math.imul(this.random, 1664525) + 1013904223) | 0;
    const { start, end } = vma;
    const priority = this.random;
    this.root = insert(this.root, newNode(vma, priority, start, end, 0));
    this.count++;
  }

  remove(vma: Vma): void {
    assert(this.at(vma.start) === vma, 'a VMA to be removed is in its tree');
    this.root = remove(this.root, vma);
    this.count--;
  }

  /** Moves the bounds of a VMA into free space, or away from some. */
  resize(vma: Vma, start: number, end: number): void {
    assert(start < end, 'a VMA is not empty');
    assert((this.previous(vma)?.end ?? 0) <= start, 'a VMA does not reach the one below');
    assert((this.next(vma)?.start ?? end) >= end, 'a VMA does not reach the one above');
    resize(this.root, vma, start, end);
  }

  /** The end of the highest free run of `length` pages within `[low, high)`. */
  highestGap(length: number, low: number, high: number): number | undefined {
    return gapIn(this.root, 0, high, { length, low, high, isHighest: true });
  }

  /** The start of the lowest free run of `length` pages within `[low, high)`. */
  lowestGap(length: number, low: number, high: number): number | undefined {
    return gapIn(this.root, 0, high, { length, low, high, isHighest: false });
  }
}

function refresh(node: Node): Node {
  const { vma, left, right } = node;
  node.start = left === undefined ? vma.start : left.start;
  node.end = right === undefined ? vma.end : right.end;
  let gap = 0;
  if (left !== undefined) gap = Math.max(left.gap, vma.start - left.end);
  if (right !== undefined) gap = Math.max(gap, right.gap, right.start - vma.end);
  node.gap = gap;
  return node;
}

function insert(tree: Node | undefined, node: Node): Node {
  if (tree === undefined) return node;
  if (node.priority > tree.priority) {
    [node.left, node.right] = divide(tree, node.vma.start);
    return refresh(node);
  }
  if (node.vma.start < tree.vma.start) tree.left = insert(tree.left, node);
  else tree.right = insert(tree.right, node);
  return refresh(tree);
}

/** Two trees: of the VMAs that start below `page`, and of the others. */
function divide(tree: Node | undefined, page: number): [Node | undefined, Node | undefined] {
  if (tree === undefined) return [undefined, undefined];
  if (tree.vma.start < page) {
    const [lower, upper] = divide(tree.right, page);
    tree.right = lower;
    return [refresh(tree), upper];
  }
  const [lower, upper] = divide(tree.left, page);
  tree.left = upper;
  return [lower, refresh(tree)];
}

function remove(tree: Node | undefined, vma: Vma): Node | undefined {
  assert(tree !== undefined, 'a VMA to be removed is in its tree');
  if (tree.vma === vma) return join(tree.left, tree.right);
  if (vma.start < tree.vma.start) tree.left = remove(tree.left, vma);
  else tree.right = remove(tree.right, vma);
  return refresh(tree);
}

/** The inverse of `divide()`. */
function join(lower: Node | undefined, upper: Node | undefined): Node | undefined {
  if (lower === undefined) return upper;
  if (upper === undefined) return lower;
  if (lower.priority > upper.priority) {
    lower.right = join(lower.right, upper);
    return refresh(lower);
  }
  upper.left = join(lower, upper.left);
  return refresh(upper);
}

function resize(tree: Node | undefined, vma: Vma, start: number, end: number): void {
  assert(tree !== undefined, 'a VMA to be resized is in its tree');
  if (tree.vma === vma) {
    vma.start = start;
    vma.end = end;
  } else resize(vma.start < tree.vma.start ? tree.left : tree.right, vma, start, end);
  refresh(tree);
}

function collect(tree: Node | undefined, start: number, end: number, found: Vma[]): void {
  if (tree === undefined) return;
  const { vma, left, right } = tree;
  if (vma.start > start) collect(left, start, end, found);
  if (vma.end > start && vma.start < end) found.push(vma);
  if (vma.end < end) collect(right, start, end, found);
}

/** @param from where the VMA below the tree ends, `to` where the one above it starts */
function gapIn(
  tree: Node | undefined,
  from: number,
  to: number,
  wanted: GapWanted,
): number | undefined {
  const { length, low, high, isHighest } = wanted;
  if (from >= high || to <= low) return undefined;
  if (tree === undefined) {
    const start = Math.max(from, low);
    const end = Math.min(to, high);
    if (end - start < length) return undefined;
    return isHighest ? end : start;
  }
  const { vma, left, right } = tree;
  if (Math.max(tree.gap, tree.start - from, to - tree.end) < length) return undefined;
  return isHighest
    ? (gapIn(right, vma.end, to, wanted) ?? gapIn(left, from, vma.start, wanted))
    : (gapIn(left, from, vma.start, wanted) ?? gapIn(right, vma.end, to, wanted));
}
