/** How far a report can be trusted, in sentences: what was seen, and how the sums close. */
import { printable } from './printable.ts';
import { counted, formatBytes } from './quantity.ts';
import type { HostReport, ProcessEntry } from './schema.ts';

export function exactnessSentence({ exactness }: HostReport): string {
  const { processes, exact, residualPages } = exactness;
  const seen = `${exact} of ${counted(processes, 'address space')} explained to the page`;
  return residualPages === 0
    ? `${seen}, nothing left over`
    : `${seen}, ${counted(residualPages, 'table page')} left over`;
}

/** How `PageTables` of the host adds up, from left to right. */
export function identitySentence({ pageTables }: HostReport): string {
  const { reportedBytes, explainedBytes, kernelBytes, statusOnlyBytes, unexplainedBytes } =
    pageTables;
  const parts = [
    `${formatBytes(explainedBytes)} explained by mappings`,
    ...(kernelBytes > 0 ? [`${formatBytes(kernelBytes)} of the kernel itself`] : []),
    ...(statusOnlyBytes > 0 ? [`${formatBytes(statusOnlyBytes)} known by size only`] : []),
    `${formatBytes(unexplainedBytes)} unexplained`,
  ];
  return `PageTables of /proc/meminfo: ${formatBytes(reportedBytes)} = ${parts.join(' + ')}`;
}

/** What was not seen, one short phrase each; empty if everything was. */
export function unseenPhrases({ exactness }: HostReport): string[] {
  const { statusOnly, vanished, raced, sharedMm, skipped, wholeHost } = exactness;
  const phrases = [
    statusOnly > 0 ? `${statusOnly} seen only through VmPTE (no right to read more)` : '',
    vanished > 0 ? `${vanished} ended while they were read` : '',
    raced > 0 ? `${raced} changed while they were read` : '',
    skipped > 0 ? `${skipped} left out by filter or time budget` : '',
    sharedMm > 0 ? `${sharedMm} share the address space of another and count once` : '',
    wholeHost ? '' : 'not every process of the host can be seen',
  ];
  return phrases.filter((phrase) => phrase !== '');
}

/** Processes whose tables their mappings do not explain, or explain too many, worst first. */
export function unexplainedProcesses(report: HostReport): ProcessEntry[] {
  return report.processes
    .filter(({ seen, residualBytes }) => seen === 'tables' && residualBytes !== 0)
    .toSorted((a, b) => Math.abs(b.residualBytes) - Math.abs(a.residualBytes));
}

export function residualPhrase({ pid, comm, residualBytes }: ProcessEntry): string {
  return `${printable(comm)} (${pid}) ${formatBytes(residualBytes)}`;
}
