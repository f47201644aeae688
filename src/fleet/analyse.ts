/**
 * The unit of work of a fleet: a file in, its samples out. Pure, so that it may be done on any
 * thread or machine, and done again.
 */
import { buildHostReport } from '../report/build_report.ts';
import { decodeSnapshot } from '../snapshot/decode.ts';
import { DEFAULT_LIMITS } from '../snapshot/limits.ts';
import { openEnvelope } from '../snapshot/parquet/envelope.ts';
import { readKeys } from '../snapshot/parquet/footer.ts';
import { SnapshotError } from '../snapshot/snapshot_error.ts';
import { DATASET_FORMAT } from './columns.ts';
import { decodeDataset } from './decode.ts';
import { isHostName } from './partition.ts';
import { type Sample, sampleOf } from './sample.ts';

/**
 * @param file of `ptshare host --save`, or of a dataset
 * @throws SnapshotError or DatasetError if it is neither, and nothing else whatever the bytes are
 */
export function analyseFile(file: Uint8Array): readonly Sample[] {
  if (isDataset(file)) return decodeDataset(file);
  const snapshot = decodeSnapshot(file);
  if (!isHostName(snapshot.host.hostname)) {
    throw new SnapshotError('header.host.hostname', 'it is no name that Linux allows');
  }
  return [sampleOf(buildHostReport(snapshot))];
}

function isDataset(file: Uint8Array): boolean {
  return readKeys(file, openEnvelope(file, DEFAULT_LIMITS)).includes(DATASET_FORMAT.versionKey);
}
