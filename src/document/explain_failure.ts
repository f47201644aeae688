/** Failures in the words of whoever opened a file. */
import { SceneError } from '../scene/scene_error.ts';
import { ScriptError } from '../script/script_error.ts';
import { SnapshotError } from '../snapshot/snapshot_error.ts';
import { TraceError } from '../trace/trace_error.ts';
import { DocumentError } from './document_error.ts';

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
