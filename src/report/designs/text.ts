/** A comparison of designs for a terminal. */

import { counted, formatBytes } from '../quantity.ts';
import { type Canvas, canvasOf, type TextOptions } from '../text/canvas.ts';
import { designLines } from '../text/designs.ts';
import { wrap } from '../text/fit.ts';
import { section } from '../text/render.ts';
import { table } from '../text/table.ts';
import { afterLines } from './after_lines.ts';
import { costLines } from './cost_lines.ts';
import { crowdLines } from './crowd_lines.ts';
import type { DesignComparison } from './schema.ts';

/** Text that ends in a newline. */
export function renderDesignComparison(comparison: DesignComparison, options: TextOptions): string {
  const canvas = canvasOf(options);
  const lines = [
    ...headLines(comparison, canvas),
    ...section(canvas, 'Designs side by side', designLines(comparison.designs, canvas)),
    ...(comparison.sweep.length === 0
      ? []
      : section(canvas, 'User tables at other sizes', sweepLines(comparison, canvas))),
    ...costSection(comparison, canvas),
    ...crowdSection(comparison, canvas),
    ...afterSection(comparison, canvas),
  ];
  return `${lines.join('\n')}\n`;
}

function costSection({ engine, processes, bytes }: DesignComparison, canvas: Canvas): string[] {
  if (engine === undefined) return [];
  const isWhole = engine.processes === processes && engine.bytes === bytes;
  return section(canvas, 'What each costs', costLines(engine, isWhole, canvas));
}

function crowdSection({ engine }: DesignComparison, canvas: Canvas): string[] {
  const crowd = engine?.crowd;
  if (crowd === undefined) return [];
  return section(canvas, 'What they wait for, all at once', crowdLines(crowd, canvas));
}

function afterSection({ after, processes, bytes }: DesignComparison, canvas: Canvas): string[] {
  if (after === undefined) return [];
  const { engine } = after;
  const isWhole = engine?.processes === processes && engine.bytes === bytes;
  return section(canvas, 'After a change', afterLines(after, isWhole, canvas));
}

function headLines(comparison: DesignComparison, canvas: Canvas): string[] {
  const { workload, processes, bytes, addressSpaces, pageTablesBytes } = comparison;
  const paragraph = (text: string): string[] => wrap(text, canvas.width, canvas.symbols.ellipsis);
  const size = `${processes} ${workload.processesAre}; ${workload.bytesAre}: ${formatBytes(bytes)}`;
  const cost = `Today ${counted(addressSpaces, 'process')} pay ${formatBytes(pageTablesBytes)} for page tables`;
  return [
    ...paragraph(`ptshare compare: ${workload.title}`).map(canvas.colors.dim),
    '',
    ...paragraph(`${size}.`),
    ...paragraph(`${cost}.`).map(canvas.colors.bold),
    ...paragraph(workload.story).map(canvas.colors.dim),
  ];
}

function sweepLines({ sweep, designs }: DesignComparison, canvas: Canvas): string[] {
  return table(canvas, [
    { title: 'Processes', align: 'right', cells: sweep.map(({ processes }) => String(processes)) },
    { title: 'Size', align: 'right', cells: sweep.map(({ bytes }) => formatBytes(bytes)) },
    ...designs.map(({ id }, index) => ({
      title: id,
      align: 'right' as const,
      cells: sweep.map((point) => formatBytes(point.designs[index]!.tableBytes)),
      // What is left where there is no room for all: today, and the first designs.
      dropOrder: index,
    })),
  ]);
}
