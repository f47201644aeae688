/** The fleet in a few sentences, the same in every rendering. */
import { IDENTICAL } from '../report/headline.ts';
import { printable } from '../report/printable.ts';
import { counted, formatBytes, formatPercent, formatTime, percentOf } from '../report/quantity.ts';
import type { FleetDesignEntry, FleetReport } from './schema.ts';

export function placeSentence({ hosts, samples, firstAt, lastAt }: FleetReport): string {
  const from = formatTime(firstAt);
  const span = firstAt === lastAt ? from : `${from} to ${formatTime(lastAt)}`;
  return `${counted(hosts, 'host')}, ${counted(samples, 'sample')}, ${span}`;
}

export function fleetCostSentence({ cost, hosts }: FleetReport): string {
  const share = formatPercent(cost.percentOfMemory);
  return (
    `Page tables of ${counted(hosts, 'host')} take ${formatBytes(cost.pageTablesBytes)}: ` +
    `${share} of ${formatBytes(cost.memoryBytes)} RAM`
  );
}

export function spreadSentence({ cost }: FleetReport): string {
  const [middle, high, max] = [cost.percentMedian, cost.percentP95, cost.percentMax].map(
    formatPercent,
  );
  return `Half of the hosts are below ${middle}, 95 of 100 below ${high}, the highest is at ${max}`;
}

export function fleetRepeatedSentence({ cost }: FleetReport): string {
  const { duplicateBytes, pageTablesBytes } = cost;
  if (duplicateBytes === 0) return 'No table exists more than once';
  const share = formatPercent(percentOf(duplicateBytes, pageTablesBytes));
  return `${formatBytes(duplicateBytes)} of it (${share}) is the same tables many times over`;
}

export function fleetBestSentence({ designs }: FleetReport): string {
  const best = designs
    .filter(({ id, savesBytes }) => id !== IDENTICAL && savesBytes > 0)
    .toSorted((a, b) => b.savesBytes - a.savesBytes)[0];
  if (best === undefined) return 'No design would save anything';
  return (
    `Best design: ${printable(best.id)} would save ${fleetSavingPhrase(best)} ` +
    `(${formatPercent(percentOf(best.savesBytes, best.beforeBytes))}); ` +
    `it is the best one on ${counted(best.bestOn, 'host')}`
  );
}

/** `17.8 GiB`, `at most 17.8 GiB`, `at least 17.8 GiB` or `about 17.8 GiB`. */
export function fleetSavingPhrase({ bound, savesBytes }: FleetDesignEntry): string {
  const qualifier = { exact: '', upper: 'at most ', lower: 'at least ', mixed: 'about ' }[bound];
  return `${qualifier}${formatBytes(savesBytes)}`;
}

/** What changed from the first day to the last; undefined if there is one day. */
export function trendSentence({ trend }: FleetReport): string | undefined {
  const { days, throughout } = trend;
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined || first === last || throughout.hosts === 0) {
    return undefined;
  }
  const { hosts, fromBytes, toBytes } = throughout;
  const change = toBytes - fromBytes;
  const sign = change < 0 ? '' : '+';
  return (
    `From ${first.day} to ${last.day}: ${sign}${formatBytes(change)} ` +
    `(${sign}${formatPercent(percentOf(change, fromBytes))}) on ${counted(hosts, 'host')} ` +
    'seen on both days'
  );
}

export function fleetExactnessSentence({ exactness }: FleetReport): string {
  const { processes, exact, partialHosts } = exactness;
  const seen = `${exact} of ${counted(processes, 'address space')} explained to the page`;
  if (partialHosts === 0) return `${seen}; every host was seen whole`;
  return `${seen}; ${counted(partialHosts, 'host')} could not be seen whole`;
}

const MEASURES = {
  percentOfMemory: { name: 'share of memory', format: formatPercent },
  bytesPerProcess: { name: 'tables per process', format: formatBytes },
  growthPerDay: { name: 'growth per day', format: formatBytes },
} as const;

export function measureName(measure: keyof typeof MEASURES): string {
  return MEASURES[measure].name;
}

export function measureValue(measure: keyof typeof MEASURES, value: number): string {
  return MEASURES[measure].format(value);
}
