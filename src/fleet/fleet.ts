/** Many samples to one answer. Memory grows with hosts and days, not with samples. */
import { percentOf } from '../report/quantity.ts';
import { designEntries } from './designs.ts';
import { hostEntry } from './hosts.ts';
import { outlierEntries } from './outliers.ts';
import type { Sample } from './sample.ts';
import { FLEET_REPORT_SCHEMA, type FleetReport } from './schema.ts';
import { quantile } from './stats.ts';
import { ENTRIES_MAX, rowTotals } from './totals.ts';
import { type History, trendOf } from './trend.ts';

export class Fleet {
  /** The last sample of each host. */
  readonly #latest = new Map<string, Sample>();
  readonly #histories = new Map<string, History>();
  readonly #refused: { file: string; why: string }[] = [];
  #samples = 0;
  #firstAt = '';
  #lastAt = '';

  /** Samples may come in any order, and again. */
  add(sample: Sample): void {
    const { hostname, takenAt } = sample;
    this.#samples++;
    if (this.#firstAt === '' || takenAt < this.#firstAt) this.#firstAt = takenAt;
    if (takenAt > this.#lastAt) this.#lastAt = takenAt;
    const latest = this.#latest.get(hostname);
    if (latest === undefined || latest.takenAt <= takenAt) this.#latest.set(hostname, sample);

    const history = this.#histories.get(hostname) ?? new Map();
    this.#histories.set(hostname, history);
    const day = takenAt.slice(0, 10);
    const known = history.get(day);
    if (known === undefined || known.takenAt <= takenAt) {
      const { pageTablesBytes, memoryBytes } = sample.host;
      history.set(day, { takenAt, pageTablesBytes, memoryBytes });
    }
  }

  refuse(file: string, why: string): void {
    this.#refused.push({ file, why });
  }

  finish(): FleetReport {
    // By name first: the answer is the same in whatever order files were read.
    const samples = [...this.#latest.values()]
      .sort((a, b) => (a.hostname < b.hostname ? -1 : 1))
      .sort((a, b) => b.host.pageTablesBytes - a.host.pageTablesBytes);
    const trend = trendOf(new Map([...this.#histories].sort(([a], [b]) => (a < b ? -1 : 1))));
    return {
      schema: FLEET_REPORT_SCHEMA,
      hosts: samples.length,
      samples: this.#samples,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      cost: costOf(samples),
      exactness: exactnessOf(samples),
      software: softwareEntries(samples),
      segments: segmentEntries(samples),
      designs: designEntries(samples),
      costliest: samples.slice(0, ENTRIES_MAX).map(hostEntry),
      outliers: outlierEntries(samples, trend.growing),
      trend: { ...trend, growing: trend.growing.slice(0, ENTRIES_MAX) },
      refused: this.#refused.sort((a, b) => (a.file < b.file ? -1 : 1)),
    };
  }
}

function costOf(samples: readonly Sample[]): FleetReport['cost'] {
  const sum = (value: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + value(sample), 0);
  const percents = Float64Array.from(samples, ({ host }) =>
    percentOf(host.pageTablesBytes, host.memoryBytes),
  ).sort();
  const at = (share: number): number => (percents.length === 0 ? 0 : quantile(percents, share));
  const memoryBytes = sum(({ host }) => host.memoryBytes);
  const pageTablesBytes = sum(({ host }) => host.pageTablesBytes);
  return {
    memoryBytes,
    pageTablesBytes,
    percentOfMemory: percentOf(pageTablesBytes, memoryBytes),
    tableBytes: sum(({ host }) => host.tableBytes),
    duplicateBytes: sum(({ host }) => host.duplicateBytes),
    kernelBytes: sum(({ host }) => host.kernelBytes),
    processes: sum(({ host }) => host.processes),
    percentMedian: at(0.5),
    percentP95: at(0.95),
    percentMax: at(1),
  };
}

function exactnessOf(samples: readonly Sample[]): FleetReport['exactness'] {
  const sum = (value: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + value(sample), 0);
  return {
    processes: sum(({ host }) => host.processes),
    exact: sum(({ host }) => host.exact),
    partialHosts: sum(({ host }) =>
      host.wholeHost && host.statusOnly === 0 && host.skipped === 0 ? 0 : 1,
    ),
  };
}

function softwareEntries(samples: readonly Sample[]): FleetReport['software'] {
  return rowTotals(samples, ({ groups }) => groups).map(({ kind: _, ...entry }) => entry);
}

function segmentEntries(samples: readonly Sample[]): FleetReport['segments'] {
  return rowTotals(samples, ({ objects }) => objects).map(({ processes, ...entry }) => ({
    ...entry,
    mappers: processes,
  }));
}
