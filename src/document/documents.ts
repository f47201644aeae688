/** Files that were opened, told apart by what is in them. */

import { Scene } from '../scene/scene.ts';
import { decodeSnapshot } from '../snapshot/decode.ts';
import { TraceDecoder } from '../trace/index.ts';
import { beginsWith, checkSize, isTrace, MEND } from './beginning.ts';
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

/**
 * Of a trace the beginning is read, and `Scene.read()` goes on.
 *
 * @throws DocumentError, SnapshotError, TraceError
 */
export function readDocument(name: string, bytes: Uint8Array): Document {
  checkSize(name, bytes.length);
  if (beginsWith(bytes, 'PAR1')) return HostDocument.ofSnapshot(decodeSnapshot(bytes));
  if (isTrace(bytes)) {
    const decoder = new TraceDecoder(bytes);
    decoder.next();
    return new Scene(decoder.trace, decoder);
  }
  return readJson(name, bytes);
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
