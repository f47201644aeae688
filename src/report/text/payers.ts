/** Who pays: process groups, then single processes. */
import { printable } from '../printable.ts';
import { formatBytes, formatPercent, percentOf } from '../quantity.ts';
import type { GroupEntry, HostReport, ProcessEntry } from '../schema.ts';
import { bar } from './bar.ts';
import type { Canvas } from './canvas.ts';
import { moreLines, table } from './table.ts';

const SHARE_BAR_WIDTH_MIN = 10;
const SHARE_BAR_WIDTH_MAX = 30;
/** The other columns, with names as long as `comm` can be. */
const FIGURES_WIDTH = 70;

export function groupLines(report: HostReport, canvas: Canvas): string[] {
  const all = largest(report.groups);
  const groups = all.slice(0, canvas.rows);
  const { colors, width } = canvas;
  const barWidth = Math.min(
    Math.max(width - FIGURES_WIDTH, SHARE_BAR_WIDTH_MIN),
    SHARE_BAR_WIDTH_MAX,
  );
  const total = report.pageTables.reportedBytes;
  const column = (value: (group: GroupEntry) => string): string[] => groups.map(value);
  const lines = table(canvas, [
    { title: 'Group', align: 'left', cells: column(({ name }) => printable(name)), widthMin: 14 },
    { title: 'Processes', align: 'right', cells: column(({ processes }) => String(processes)) },
    {
      title: 'Tables',
      align: 'right',
      cells: column(({ vmPteBytes }) => formatBytes(vmPteBytes)),
      paint: colors.bold,
    },
    {
      title: 'Repeated',
      align: 'right',
      cells: column(repeatedCell),
      paint: colors.yellow,
    },
    {
      title: 'Each',
      align: 'right',
      cells: column(({ vmPteBytes, processes }) =>
        formatBytes(Math.round(vmPteBytes / Math.max(processes, 1))),
      ),
      dropOrder: 1,
    },
    {
      title: 'Share',
      align: 'right',
      cells: column(({ vmPteBytes }) => formatPercent(percentOf(vmPteBytes, total))),
      dropOrder: 2,
    },
    {
      title: '',
      align: 'left',
      cells: column(({ vmPteBytes }) => bar(canvas, vmPteBytes / total, barWidth)),
      paint: colors.blue,
      dropOrder: 3,
    },
  ]);
  const hidden = moreLines(
    canvas,
    'group',
    all.map(({ vmPteBytes }) => vmPteBytes),
  );
  return [...lines, ...hidden];
}

export function processLines(report: HostReport, canvas: Canvas): string[] {
  const processes = largest(report.processes).slice(0, Math.ceil(canvas.rows / 2));
  const column = (value: (process: ProcessEntry) => string): string[] => processes.map(value);
  const tables = (level: keyof ProcessEntry['tables']): string[] =>
    column(({ seen, tables }) => (seen === 'tables' ? String(tables[level]) : '?'));
  return table(canvas, [
    { title: 'Pid', align: 'right', cells: column(({ pid }) => String(pid)) },
    {
      title: 'Command',
      align: 'left',
      cells: column(({ comm }) => printable(comm)),
      widthMin: 15,
    },
    {
      title: 'Group',
      align: 'left',
      cells: column((process) => printable(process.group)),
      widthMin: 12,
      dropOrder: 3,
    },
    {
      title: 'VmPTE',
      align: 'right',
      cells: column(({ vmPteBytes }) => formatBytes(vmPteBytes)),
      paint: canvas.colors.bold,
    },
    { title: 'PTE', align: 'right', cells: tables('pte') },
    { title: 'PMD', align: 'right', cells: tables('pmd') },
    { title: 'PUD', align: 'right', cells: tables('pud'), dropOrder: 2 },
    { title: 'Deposited', align: 'right', cells: tables('deposited'), dropOrder: 1 },
  ]);
}

function repeatedCell({ duplicateBytes }: GroupEntry): string {
  return duplicateBytes === 0 ? '-' : formatBytes(duplicateBytes);
}

function largest<T extends { readonly vmPteBytes: number }>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => b.vmPteBytes - a.vmPteBytes);
}
