/** Files that were opened, told apart by what is in them. */

import { Scene } from '../scene/scene.ts';
import { SceneError } from '../scene/scene_error.ts';
import { ScriptError } from '../script/script_error.ts';
import { decodeSnapshot } from '../snapshot/decode.ts';
import { DEFAULT_LIMITS } from '../snapshot/limits.ts';
import { SnapshotError } from '../snapshot/snapshot_error.ts';
import { TraceDecoder, TraceError } from '../trace/index.ts';
import { DocumentError } from './document_error.ts';
import { Findings } from './findings.ts';
import { HostDocument } from './host.ts';

declare const TextDecoder: new (
  encoding: string,
  options: { readonly fatal: boolean },
) => { decode(bytes: Uint8Array): string };

/** Anything that can be shown. */
export type Document = HostDocument | Scene | Findings;

/** JSON is parsed at once, so there must be memory for all of it. */
const JSON_BYTES_MAX = 2 ** 28;
const MEND = 'Open a file that host, run or check of ptshare wrote';

/**
 * Of a trace the beginning is read, and `Scene.read()` goes on.
 *
 * @throws DocumentError, SnapshotError, TraceError
 */
export function readDocument(name: string, bytes: Uint8Array): Document {
  checkSize(name, bytes.length);
  if (startsWith(bytes, 'PAR1')) return HostDocument.ofSnapshot(decodeSnapshot(bytes));
  if (isTrace(bytes)) {
    const decoder = new TraceDecoder(bytes);
    decoder.next();
    return new Scene(decoder.trace, decoder);
  }
  return readJson(name, bytes);
}

/** Before any byte is read. @throws DocumentError */
export function checkSize(name: string, bytes: number): void {
  if (bytes > DEFAULT_LIMITS.fileBytes) {
    throw new DocumentError(`${name} is larger than anything ptshare writes`, MEND);
  }
  if (bytes === 0) throw new DocumentError(`${name} is empty`, MEND);
}

/** Whether a file that begins so is a trace, which can be read while it arrives. */
export function isTrace(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'ptstrace');
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  return [...magic].every((letter, at) => bytes[at] === letter.charCodeAt(0));
}

function readJson(name: string, bytes: Uint8Array): Document {
  if (bytes.length > JSON_BYTES_MAX) {
    throw new DocumentError(`${name} is larger than any report of ptshare`, MEND);
  }
  const data = parseJson(name, bytes);
  if (typeof data === 'object' && data !== null && 'schema' in data)
    return HostDocument.ofJson(data);
  const findings = Findings.ofJson(data);
  if (findings !== undefined) return findings;
  throw new DocumentError(`${name} is JSON, but none that ptshare wrote`, MEND);
}

function parseJson(name: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new DocumentError(`${name} is neither a snapshot, nor a trace, nor JSON`, MEND);
  }
}

/** What to tell a user of whatever was thrown while a document was read or shown. */
export function explainFailure(error: unknown): {
  readonly message: string;
  readonly mend: string;
} {
  const isPlain =
    error instanceof DocumentError || error instanceof ScriptError || error instanceof SceneError;
  if (isPlain) return { message: error.message, mend: error.mend };
  if (error instanceof SnapshotError || error instanceof TraceError) {
    return { message: error.message.replace(` ${error.mend}`, ''), mend: error.mend };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message: `A fault of ptshare itself: ${message}`, mend: 'Please report it' };
}
