/** Hosts that are unlike the others, on the costly side. */
import { percentOf } from '../report/quantity.ts';
import { payerOf } from './hosts.ts';
import type { Sample } from './sample.ts';
import type { FleetTrend, OutlierEntry } from './schema.ts';
import { median, SCORE_MAX, scores } from './stats.ts';

/** Among fewer hosts nobody is unlike the others. */
const HOSTS_MIN = 8;
const ENTRIES_MAX = 100;

/** @param growing hosts that grow; those that do not, or are not known to, grow by 0 */
export function outlierEntries(
  samples: readonly Sample[],
  growing: FleetTrend['growing'],
): OutlierEntry[] {
  if (samples.length < HOSTS_MIN) return [];
  const growth = new Map(growing.map(({ hostname, bytesPerDay }) => [hostname, bytesPerDay]));
  const measures: Record<OutlierEntry['measure'], (sample: Sample) => number> = {
    percentOfMemory: ({ host }) => percentOf(host.pageTablesBytes, host.memoryBytes),
    bytesPerProcess: ({ host }) => host.tableBytes / Math.max(host.processes, 1),
    growthPerDay: ({ hostname }) => growth.get(hostname) ?? 0,
  };
  return Object.entries(measures)
    .flatMap(([measure, read]) =>
      above(samples, measure as OutlierEntry['measure'], samples.map(read)),
    )
    .sort((a, b) => b.score - a.score)
    .slice(0, ENTRIES_MAX);
}

function above(
  samples: readonly Sample[],
  measure: OutlierEntry['measure'],
  values: readonly number[],
): OutlierEntry[] {
  const middle = median(values);
  return scores(values).flatMap((score, i) => {
    const sample = samples[i]!;
    if (score <= SCORE_MAX) return [];
    const { hostname } = sample;
    return [
      { hostname, measure, value: values[i]!, median: middle, score, payer: payerOf(sample) },
    ];
  });
}
