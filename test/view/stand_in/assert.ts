/** As much of node:assert/strict as the tests of the engine use, for where there is no Node. */

function fail(message: string | undefined, otherwise: string): never {
  throw new Error(message ?? otherwise);
}

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  if (one === null || other === null) return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (one instanceof Map && other instanceof Map) return isSame([...one], [...other]);
  if (one instanceof Set && other instanceof Set) return isSame([...one], [...other]);
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every(
      (key) =>
        Object.hasOwn(other, key) &&
        isSame((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
    )
  );
}

const show = (value: unknown): string =>
  typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));

function ok(value: unknown, message?: string): void {
  if (!value) fail(message, 'it is not so');
}

const assert = Object.assign(ok, {
  ok,
  equal(one: unknown, other: unknown, message?: string): void {
    if (!Object.is(one, other)) fail(message, `${show(one)} is not ${show(other)}`);
  },
  notEqual(one: unknown, other: unknown, message?: string): void {
    if (Object.is(one, other)) fail(message, `both are ${show(one)}`);
  },
  deepEqual(one: unknown, other: unknown, message?: string): void {
    if (!isSame(one, other)) fail(message, `${show(one)} is not ${show(other)}`);
  },
  throws(body: () => void, wanted?: RegExp): void {
    try {
      body();
    } catch (error) {
      if (wanted !== undefined && !wanted.test(String(error))) fail(undefined, String(error));
      return;
    }
    fail(undefined, 'nothing was thrown');
  },
  fail(message?: string): never {
    return fail(message, 'failed');
  },
});

// biome-ignore lint/style/noDefaultExport: it stands in for a module that has one.
export default assert;
