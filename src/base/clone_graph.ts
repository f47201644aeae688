/** Copies of object graphs, to save and restore states that are made of objects. */

/**
 * A deep copy of everything that can be reached from `root`: plain objects, instances of classes
 * without private members, arrays, maps, sets and typed arrays. What is reached twice is copied once,
 * so the copy has the same shape. Functions are shared.
 */
export function cloneGraph<T>(root: T): T {
  return clone(root, new Map()) as T;
}

function clone(value: unknown, copies: Map<object, object>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (ArrayBuffer.isView(value)) return remember(value, sliceOf(value), copies);
  if (Array.isArray(value)) {
    const copy: unknown[] = remember(value, [], copies);
    for (const item of value) copy.push(clone(item, copies));
    return copy;
  }
  if (value instanceof Map) {
    const copy = remember(value, new Map<unknown, unknown>(), copies);
    for (const [key, item] of value) copy.set(clone(key, copies), clone(item, copies));
    return copy;
  }
  if (value instanceof Set) {
    const copy = remember(value, new Set<unknown>(), copies);
    for (const item of value) copy.add(clone(item, copies));
    return copy;
  }
  const copy = remember(value, Object.create(Object.getPrototypeOf(value)) as object, copies);
  for (const key of Object.keys(value)) {
    (copy as Record<string, unknown>)[key] = clone((value as Record<string, unknown>)[key], copies);
  }
  return copy;
}

function remember<T extends object>(value: object, copy: T, copies: Map<object, object>): T {
  copies.set(value, copy);
  return copy;
}

function sliceOf(view: ArrayBufferView): object {
  return (view as Int32Array).slice();
}
