/**
 * The report in a few numbers and sentences: what the tables cost, how much of it is the same table
 * again, and what helps most. The same in every rendering.
 */
import { printable } from './printable.ts';
import { formatBytes, formatPercent, percentOf } from './quantity.ts';
import type { AdviceEntry, DesignEntry, HostReport } from './schema.ts';

export const TODAY = 'today';
/** The design that keeps one of each table: what it saves is what is there more than once. */
export const IDENTICAL = 'identical';

/** What `pageTables.reportedBytes` consists of; the parts add up to it. */
export interface Composition {
  /** Tables that exist elsewhere too, beyond one of each. */
  readonly repeatedBytes: number;
  /** One of each user table, and roots. */
  readonly onceBytes: number;
  readonly kernelBytes: number;
  /** Reported by the kernel, and not the tables of any process that was seen. */
  readonly elsewhereBytes: number;
}

export function compositionOf(report: HostReport): Composition {
  const { reportedBytes, kernelBytes } = report.pageTables;
  const userBytes = designById(report, TODAY)?.beforeBytes ?? 0;
  const repeatedBytes = Math.max(designById(report, IDENTICAL)?.savesBytes ?? 0, 0);
  return {
    repeatedBytes,
    onceBytes: userBytes - repeatedBytes,
    kernelBytes,
    elsewhereBytes: Math.max(reportedBytes - userBytes - kernelBytes, 0),
  };
}

export function designById(report: HostReport, id: string): DesignEntry | undefined {
  return report.designs.find((design) => design.id === id);
}

/** The design that saves most, the line that none can pass apart; undefined if none saves. */
function bestDesign({ designs }: HostReport): DesignEntry | undefined {
  return designs
    .filter(({ id, savesBytes }) => id !== IDENTICAL && savesBytes > 0)
    .toSorted((a, b) => b.savesBytes - a.savesBytes)[0];
}

/** `17.8 GiB`, `at most 17.8 GiB` or `at least 17.8 GiB`. */
export function savingPhrase({ bound, savesBytes }: DesignEntry): string {
  const qualifier = { exact: '', upper: 'at most ', lower: 'at least ' }[bound];
  return `${qualifier}${formatBytes(savesBytes)}`;
}

/** How much the tables cost, as the first sentence of every rendering. */
export function costSentence({ pageTables, memory }: HostReport): string {
  const total = formatBytes(pageTables.reportedBytes);
  const share = formatPercent(pageTables.percentOfMemory);
  return `Page tables take ${total}: ${share} of ${formatBytes(memory.totalBytes)} RAM`;
}

export function repeatedSentence(report: HostReport): string {
  const { repeatedBytes } = compositionOf(report);
  if (repeatedBytes === 0) return 'No table exists more than once';
  const share = percentOf(repeatedBytes, report.pageTables.reportedBytes);
  return `${formatBytes(repeatedBytes)} of it (${formatPercent(share)}) is the same tables many times over`;
}

export function bestSentence(report: HostReport): string {
  const best = bestDesign(report);
  if (best === undefined) return 'No design would save anything here';
  const share = formatPercent(percentOf(best.savesBytes, best.beforeBytes));
  const saves = `would save ${savingPhrase(best)} (${share})`;
  return `Best design: ${printable(best.id)} ${saves}; ${adviceSentence(report.advice)}`;
}

function adviceSentence(advice: readonly AdviceEntry[]): string {
  if (advice.length === 0) return 'no setting of this kernel would save much';
  const total = advice.reduce((bytes, entry) => bytes + entry.savesBytes, 0);
  return `the advice below saves ${formatBytes(total)} without another kernel`;
}
