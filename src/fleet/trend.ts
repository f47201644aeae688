/** How page tables of hosts change from day to day. */
import type { FleetTrend } from './schema.ts';
import { slope } from './stats.ts';

interface DayEnd {
  readonly takenAt: string;
  readonly pageTablesBytes: number;
  readonly memoryBytes: number;
}

/** Of one host: the last sample of each day, by day. */
export type History = Map<string, DayEnd>;

/** Days a slope is worth the name from. */
const DAYS_MIN = 3;
/** The latest so many days count: the slopes between each two of them are computed. */
const DAYS_MAX = 90;
const DAY_MS = 86_400_000;

export function trendOf(histories: ReadonlyMap<string, History>): FleetTrend {
  const days = daysOf(histories);
  return {
    days,
    throughout: throughoutOf(histories, days[0]?.day ?? '', days.at(-1)?.day ?? ''),
    growing: [...histories]
      .filter(([, history]) => history.size >= DAYS_MIN)
      .map(([hostname, history]) => ({ hostname, bytesPerDay: bytesPerDay(history) }))
      .filter((entry) => entry.bytesPerDay > 0)
      .sort((a, b) => b.bytesPerDay - a.bytesPerDay),
  };
}

function daysOf(histories: ReadonlyMap<string, History>): FleetTrend['days'] {
  const days = new Map<string, FleetTrend['days'][number]>();
  for (const history of histories.values()) {
    for (const [day, { pageTablesBytes, memoryBytes }] of history) {
      const entry = days.get(day) ?? { day, hosts: 0, pageTablesBytes: 0, memoryBytes: 0 };
      days.set(day, entry);
      entry.hosts++;
      entry.pageTablesBytes += pageTablesBytes;
      entry.memoryBytes += memoryBytes;
    }
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
}

function throughoutOf(
  histories: ReadonlyMap<string, History>,
  first: string,
  last: string,
): FleetTrend['throughout'] {
  const throughout = { hosts: 0, fromBytes: 0, toBytes: 0 };
  for (const history of histories.values()) {
    const from = history.get(first);
    const to = history.get(last);
    if (from === undefined || to === undefined) continue;
    throughout.hosts++;
    throughout.fromBytes += from.pageTablesBytes;
    throughout.toBytes += to.pageTablesBytes;
  }
  return throughout;
}

function bytesPerDay(history: History): number {
  const points = [...history.values()]
    .map(({ takenAt, pageTablesBytes }) => [Date.parse(takenAt) / DAY_MS, pageTablesBytes] as const)
    .sort(([a], [b]) => a - b)
    .slice(-DAYS_MAX);
  return slope(points);
}
