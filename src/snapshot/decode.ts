/** A snapshot file to records of a host. */
import { Assembler } from './assemble.ts';
import { COLUMNS, SNAPSHOT_FORMAT } from './columns.ts';
import { parseHeader } from './header.ts';
import { DEFAULT_LIMITS, type SnapshotLimits } from './limits.ts';
import { ColumnReader } from './parquet/column_reader.ts';
import { openEnvelope } from './parquet/envelope.ts';
import { readFooter } from './parquet/footer.ts';
import type { HostSnapshot } from './records.ts';
import { validateSnapshot } from './validate.ts';

/**
 * Reads what `encodeSnapshot()` wrote.
 *
 * The file may be anything: it is refused as soon as it asks for more than `limits`, or differs
 * from what `encodeSnapshot()` writes.
 *
 * @throws SnapshotError, and nothing else whatever the bytes are
 */
export function decodeSnapshot(
  bytes: Uint8Array,
  limits: SnapshotLimits = DEFAULT_LIMITS,
): HostSnapshot {
  const footer = readFooter(bytes, openEnvelope(bytes, limits), limits, SNAPSHOT_FORMAT);
  const header = parseHeader(footer.header);
  const groupRowsMax = footer.groups.reduce((max, { rows }) => Math.max(max, rows), 0);
  const reader = new ColumnReader(bytes, groupRowsMax, limits);
  const assembler = new Assembler(header, reader.texts, groupRowsMax, limits);
  for (const [index, { rows, chunks }] of footer.groups.entries()) {
    COLUMNS.forEach((column, i) => {
      // The row in front is the last one of the group before.
      const values = assembler.columns[column.name].subarray(1, 1 + rows);
      const place = `row group ${index}, column "${column.name}"`;
      reader.read(chunks[i]!, column, values, place);
    });
    assembler.addGroup(rows);
  }
  const snapshot = assembler.finish();
  validateSnapshot(snapshot, limits);
  return snapshot;
}
