/**
 * What code allocates, told by V8's sampling heap profiler: one way for all benchmarks that are to
 * show that a path allocates nothing.
 */
import { type HeapProfiler, Session } from 'node:inspector';

/** Bytes between two samples, on average. */
const INTERVAL = 128;
/** Where the compiled engine is, at full speed. */
const ENGINE = '/dist/fast/src/';

export interface Allocations {
  /** Bytes for each turn, in functions of the engine. */
  readonly bytes: number;
  /** The function that allocates most, if one does. */
  readonly most: string | undefined;
}

/** Runs `turns` turns of what is compiled already, with what was collected since counted, too. */
export function allocationsOf(turns: number, run: () => void): Allocations {
  const session = new Session();
  session.connect();
  try {
    session.post('HeapProfiler.enable');
    session.post('HeapProfiler.startSampling', {
      samplingInterval: INTERVAL,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    } as HeapProfiler.StartSamplingParameterType);
    run();
    let head: HeapProfiler.SamplingHeapProfileNode | undefined;
    // The session is of this very thread: its answer is there at once.
    session.post('HeapProfiler.stopSampling', (error, answer) => {
      if (error !== null) throw error;
      head = answer.profile.head;
    });
    const found = new Map<string, number>();
    if (head !== undefined) collect(head, found);
    const [most] = [...found].sort(([, a], [, b]) => b - a)[0] ?? [];
    const total = [...found.values()].reduce((sum, size) => sum + size, 0);
    return { bytes: total / turns, most };
  } finally {
    session.disconnect();
  }
}

/** `0.0000 bytes allocated each`, and where if there are some. */
export function describeAllocations({ bytes, most }: Allocations): string {
  const where = most === undefined ? '' : `, most in ${most}`;
  return `${bytes.toFixed(4)} bytes allocated each${where}`;
}

function collect(node: HeapProfiler.SamplingHeapProfileNode, found: Map<string, number>): void {
  const { url, functionName } = node.callFrame;
  if (node.selfSize > 0 && url.includes(ENGINE)) {
    found.set(functionName, (found.get(functionName) ?? 0) + node.selfSize);
  }
  for (const child of node.children) collect(child, found);
}
