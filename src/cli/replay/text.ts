/** The report of a replay as text. */
import type { Mismatch, ProcessCounters, ReplayReport, Share } from '../../replay/index.ts';
import { printable } from '../../report/printable.ts';
import type { TextOptions } from '../../report/text/canvas.ts';
import { fit, wrap } from '../../report/text/fit.ts';

const LABEL_WIDTH = 12;
const INDENT = '  ';

export function reportText(report: ReplayReport, { width, rows, unicode }: TextOptions): string {
  const ellipsis = unicode ? '…' : '~';
  const lines = [
    ...wrap(headline(report), width, ellipsis),
    ...row('Addresses', shareText(report.addresses), perCall(report), width, ellipsis),
    ...row('Errnos', shareText(report.errnos), '', width, ellipsis),
    ...faultRows(report).flatMap(([label, text]) => row(label, text, '', width, ellipsis)),
    ...Object.entries(report.unjudged).flatMap(([reason, count]) =>
      row('Not judged', String(count), reason, width, ellipsis),
    ),
    ...(report.violation === null ? [] : [`${'Violated'.padEnd(LABEL_WIDTH)}${report.violation}`]),
    ...skipped(report).map((line) => fit(line, width, ellipsis)),
    ...report.mismatches.slice(0, rows).flatMap((found) => difference(found, width, ellipsis)),
  ];
  const hidden = report.differences - Math.min(rows, report.mismatches.length);
  if (hidden > 0)
    lines.push('', `${counted(hidden, 'more difference')}; --top N or --json show more`);
  return `${lines.join('\n')}\n`;
}

/** Of recordings with page faults. */
function faultRows({ faults, counters }: ReplayReport): [string, string][] {
  if (faults.total === 0) return [];
  const isEqual = ({ real, simulated }: ProcessCounters): boolean =>
    JSON.stringify(real) === JSON.stringify(simulated);
  const equal = counters.filter(isEqual).length;
  const ended = counted(counters.length, 'process', 'processes');
  return [
    ['Faults', `${faults.exact} of ${faults.total} served`],
    ...(counters.length > 0
      ? [['Counters', `of ${equal} of ${ended} exact`] as [string, string]]
      : []),
  ];
}

function headline({ lines, calls, processes, threads, calibrations }: ReplayReport): string {
  const who = `${counted(processes, 'process', 'processes')} and ${counted(threads, 'thread')}`;
  const where = `${calibrations} of them show where randomisation put things`;
  return `${counted(lines, 'line')}: ${counted(calls, 'call')} of ${who}; ${where}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function shareText({ total, exact }: Share): string {
  return `${exact} of ${total} exact`;
}

function perCall({ byCall }: ReplayReport): string {
  return Object.entries(byCall)
    .map(([name, { total, exact }]) => `${name} ${exact} of ${total}`)
    .join(', ');
}

/** With what does not fit below. */
function row(
  label: string,
  value: string,
  detail: string,
  width: number,
  ellipsis: string,
): string[] {
  const text = detail === '' ? value : `${value}: ${detail}`;
  return wrap(text, width - LABEL_WIDTH, ellipsis).map(
    (line, index) => `${(index === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}`,
  );
}

function skipped({ skipped: count, skippedLines }: ReplayReport): string[] {
  if (count === 0) return [];
  const first = skippedLines[0]!;
  const text = `${counted(count, 'line')}, the first is ${first.line}: ${first.reason}`;
  return [`${'Skipped'.padEnd(LABEL_WIDTH)}${printable(text)}`];
}

function difference(found: Mismatch, width: number, ellipsis: string): string[] {
  const { line, pid, call, real, ours, rule } = found;
  return [
    '',
    fit(`Line ${line}, process ${pid}: ${printable(call)}`, width, ellipsis),
    `${INDENT}kernel  ${real}`,
    fit(`${INDENT}engine  ${ours}: ${rule}`, width, ellipsis),
  ];
}
