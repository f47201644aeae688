/** Traces as files, of the kind that their names say. */
import { InvalidArgumentError } from 'commander';
import {
  encodeTrace,
  exportChrome,
  exportPerfetto,
  type Trace,
  TraceError,
} from '../trace/index.ts';
import { wrongUse } from './failure.ts';
import { writeOutputFile } from './output_file.ts';

const ENCODERS = {
  '.ptt': encodeTrace,
  '.pftrace': perfetto,
  '.json': exportChrome,
} as const;
const KINDS = Object.keys(ENCODERS) as (keyof typeof ENCODERS)[];

/** What the option says. */
export const TRACE_HELP = `save a trace: *${KINDS[0]} (docs/trace.md), *${KINDS[1]} for ui.perfetto.dev, *${KINDS[2]} for Chrome`;

/** A path whose kind is known, for commander. */
export function tracePath(path: string): string {
  if (KINDS.some((kind) => path.endsWith(kind))) return path;
  throw new InvalidArgumentError(`A file name that ends in ${KINDS.join(', ')} is wanted.`);
}

/** @throws Failure if it cannot be written, or the trace is too large for its kind */
export async function saveTrace(path: string, trace: Trace): Promise<void> {
  const kind = KINDS.find((each) => path.endsWith(each))!;
  await writeOutputFile(path, encoded(kind, trace));
  if (trace.dropped > 0) {
    process.stderr.write(`The trace is full: ${trace.dropped} events at its end are missing\n`);
  }
}

function encoded(kind: keyof typeof ENCODERS, trace: Trace): string | Uint8Array {
  try {
    return ENCODERS[kind](trace);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    throw wrongUse(error.message, '');
  }
}

function perfetto(trace: Trace): Uint8Array {
  const parts: Uint8Array[] = [];
  exportPerfetto(trace, (part) => parts.push(part));
  return Buffer.concat(parts);
}
