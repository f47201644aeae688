/** What is said of a single host of a fleet. */
import { IDENTICAL } from '../report/headline.ts';
import { percentOf } from '../report/quantity.ts';
import type { DesignRow, Sample } from './sample.ts';
import type { FleetHostEntry } from './schema.ts';

export function hostEntry(sample: Sample): FleetHostEntry {
  const { hostname, takenAt, host } = sample;
  const best = bestDesign(sample);
  return {
    hostname,
    takenAt,
    memoryBytes: host.memoryBytes,
    pageTablesBytes: host.pageTablesBytes,
    percentOfMemory: percentOf(host.pageTablesBytes, host.memoryBytes),
    duplicateBytes: host.duplicateBytes,
    payer: payerOf(sample),
    bestDesign: best?.name ?? null,
    bestSavesBytes: best === undefined ? 0 : savesBytes(best),
  };
}

/** The group with the most tables; '' of a host without processes. */
export function payerOf({ groups }: Sample): string {
  return groups[0]?.name ?? '';
}

/** The design that saves most, the bound apart; the first of equals; undefined if none saves. */
export function bestDesign({ designs }: Sample): DesignRow | undefined {
  return designs
    .filter((design) => design.name !== IDENTICAL && savesBytes(design) > 0)
    .toSorted((a, b) => savesBytes(b) - savesBytes(a))[0];
}

export function savesBytes(row: {
  readonly beforeBytes: number;
  readonly tableBytes: number;
}): number {
  return row.beforeBytes - row.tableBytes;
}
