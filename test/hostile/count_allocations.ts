/**
 * Counts what code asks for in array buffers, which no limit on a worker's heap covers, and which
 * the operating system does not count before they are touched.
 */

const COUNTED = ['ArrayBuffer', 'Uint8Array', 'Int32Array', 'Uint32Array', 'Float64Array'] as const;

/** @returns the bytes asked for while `work` ran */
export function countAllocations(work: () => void): number {
  let bytes = 0;
  const global = globalThis as unknown as Record<string, new (...args: unknown[]) => object>;
  const originals = COUNTED.map((name) => [name, global[name]!] as const);
  for (const [name, original] of originals) {
    global[name] = new Proxy(original, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget) as { byteLength: number };
        // A view of a buffer that exists takes nothing.
        if (!(args[0] instanceof Object)) bytes += made.byteLength;
        return made;
      },
    });
  }
  try {
    work();
  } finally {
    for (const [name, original] of originals) global[name] = original;
  }
  return bytes;
}
