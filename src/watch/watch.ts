/** Looks at this host again and again, and says what became of it. */
import { setTimeout } from 'node:timers/promises';
import { captureHost } from '../capture/capture.ts';
import { type Change, ChangeDetector } from '../fleet/changes.ts';
import { type Sample, sampleOf } from '../fleet/sample.ts';
import { type Alarm, Alarms, type Threshold } from '../fleet/thresholds.ts';
import { buildHostReport } from '../report/build_report.ts';
import type { HostReport } from '../report/schema.ts';
import { Pace } from './pace.ts';

export interface WatchOptions {
  readonly everySeconds: number;
  /** Of one CPU, above 0. */
  readonly cpuShare: number;
  /** Processes that are not read after so long are known by their size only. */
  readonly budgetSeconds: number;
  /** How many samples to take; Infinity for ever. */
  readonly samples: number;
  readonly thresholds: readonly Threshold[];
  readonly signal: AbortSignal;
}

/** What one look at the host has brought. */
export interface Look {
  readonly report: HostReport;
  readonly sample: Sample;
  readonly changes: readonly Change[];
  readonly alarms: readonly Alarm[];
  /** All thresholds that are passed, as they were written. */
  readonly raised: readonly string[];
  readonly cost: Cost;
}

/** What watching takes, by this look and since the process started. */
export interface Cost {
  readonly sampleCpuSeconds: number;
  readonly sampleSeconds: number;
  readonly cpuSeconds: number;
  /** Of one CPU, since the process started. */
  readonly cpuPercent: number;
  readonly residentBytes: number;
}

/** Hears of each look, and of how long the next one is away. */
export interface WatchListener {
  onLook(look: Look): Promise<void>;
  /** @param isLate whether the wait is longer than asked for, so as to keep to the share of a CPU */
  onWait(seconds: number, isLate: boolean): void;
}

/** Ends when all samples are taken, or `signal` is aborted. @throws CaptureError */
export async function watch(options: WatchOptions, listener: WatchListener): Promise<void> {
  const { everySeconds, cpuShare, samples, signal } = options;
  const pace = new Pace(everySeconds * 1000, cpuShare, performance.timeOrigin);
  const changes = new ChangeDetector();
  const alarms = new Alarms(options.thresholds);
  try {
    for (let taken = 1; ; taken++) {
      const began = Date.now();
      const { report, sample, cost } = await look(options);
      const told = { changes: changes.next(sample), alarms: alarms.next(sample) };
      await listener.onLook({ report, sample, ...told, raised: alarms.raised, cost });
      if (taken >= samples) return;
      const wait = pace.next(began, cpuMs(), cost.sampleCpuSeconds * 1000) - Date.now();
      const isLate = wait > Math.max(began + everySeconds * 1000 - Date.now(), 0);
      listener.onWait(wait / 1000, isLate);
      await setTimeout(Math.max(wait, 0), undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function look({
  budgetSeconds,
  signal,
}: WatchOptions): Promise<Pick<Look, 'report' | 'sample' | 'cost'>> {
  const began = performance.now();
  const cpuBefore = cpuMs();
  const report = buildHostReport(await captureHost({ budgetSeconds, signal }));
  const sampleCpuMs = cpuMs() - cpuBefore;
  return {
    report,
    sample: sampleOf(report, sampleCpuMs),
    cost: {
      sampleCpuSeconds: sampleCpuMs / 1000,
      sampleSeconds: (performance.now() - began) / 1000,
      ...ownCost(),
    },
  };
}

export function ownCost(): Pick<Cost, 'cpuSeconds' | 'cpuPercent' | 'residentBytes'> {
  const cpu = cpuMs();
  return {
    cpuSeconds: cpu / 1000,
    cpuPercent: (cpu * 100) / Math.max(performance.now(), 1),
    residentBytes: process.memoryUsage.rss(),
  };
}

/** User and system time of this process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
