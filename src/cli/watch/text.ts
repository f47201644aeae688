/** What `ptshare watch` prints: a few lines of text, or a line of JSON for each sample. */
import { changeSentence } from '../../fleet/changes.ts';
import { alarmSentence } from '../../fleet/thresholds.ts';
import { counted, formatBytes, formatPercent } from '../../report/quantity.ts';
import type { Cost, Look } from '../../watch/watch.ts';

/** Raised whenever a field changes its meaning or goes away; new fields do not raise it. */
export const WATCH_SCHEMA = 'ptshare.watch/1';

export function jsonLine({ sample, changes, alarms, raised, cost }: Look): string {
  const { hostname, takenAt, host } = sample;
  const { memoryBytes, pageTablesBytes, tableBytes, duplicateBytes, processes, exact } = host;
  const line = {
    schema: WATCH_SCHEMA,
    hostname,
    takenAt,
    memoryBytes,
    pageTablesBytes,
    tableBytes,
    duplicateBytes,
    processes,
    exact,
    changes,
    alarms,
    raised,
    cost,
  };
  return `${JSON.stringify(line)}\n`;
}

/** @param isFirst a first line says where everything starts */
export function textLines({ sample, changes, alarms }: Look, isFirst: boolean): string {
  const time = sample.takenAt.slice(11, 19);
  const sentences = [
    ...(isFirst ? [stateSentence(sample)] : []),
    ...changes.map(changeSentence),
    ...alarms.map(alarmSentence),
  ];
  return sentences.map((sentence) => `${time}  ${sentence}\n`).join('');
}

function stateSentence({ host }: Look['sample']): string {
  const percent = formatPercent((host.pageTablesBytes * 100) / Math.max(host.memoryBytes, 1));
  return (
    `page tables ${formatBytes(host.pageTablesBytes)} (${percent} of memory), ` +
    `the same again ${formatBytes(host.duplicateBytes)}, ` +
    counted(host.processes, 'address space')
  );
}

export function costSentence(samples: number, cost: Cost): string {
  return (
    `${counted(samples, 'sample')}, the last one ${cost.sampleCpuSeconds.toFixed(2)} s of CPU; ` +
    `own share ${formatPercent(cost.cpuPercent)} of a CPU, ${formatBytes(cost.residentBytes)}`
  );
}
