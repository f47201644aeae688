/** Names in a dataset: `host=NAME/day=YYYY-MM-DD/part-TIME.parquet`. */
import { join } from 'node:path';
import { dayFolder, hostFolder } from '../fleet/partition.ts';

interface Moment {
  readonly hostname: string;
  readonly takenAt: string;
}

export function folderOf(root: string, { hostname, takenAt }: Moment): string {
  return join(root, hostFolder(hostname), dayFolder(takenAt));
}

/** The file whose first sample is `first`. Names sort as times do. */
export function fileOf(root: string, first: Moment): string {
  return join(folderOf(root, first), `part-${first.takenAt.replace(/[-:.]/g, '')}.parquet`);
}

export const DAY_FOLDER = /^day=(\d{4}-\d\d-\d\d)$/;
export const PART_FILE = /^part-\w+\.parquet$/;
