/** The report for a terminal, in the order in which people act on it. */
import type { HostReport } from '../schema.ts';
import { adviceLines } from './advice.ts';
import { type Canvas, canvasOf, type TextOptions } from './canvas.ts';
import { designLines } from './designs.ts';
import { exactnessLines } from './exactness.ts';
import { headlineLines } from './headline.ts';
import { objectLines } from './objects.ts';
import { groupLines, processLines } from './payers.ts';

/** Text that ends in a newline. Names are shown with control characters escaped. */
export function renderHostReport(report: HostReport, options: TextOptions): string {
  const canvas = canvasOf(options);
  const lines = [
    ...headlineLines(report, canvas),
    ...section(canvas, 'Who pays', groupLines(report, canvas)),
    ...section(canvas, 'Largest processes', processLines(report, canvas)),
    ...section(canvas, 'What is mapped', objectLines(report, canvas)),
    ...section(canvas, 'Designs side by side', designLines(report.designs, canvas)),
    ...section(canvas, 'What to do', adviceLines(report, canvas)),
    ...section(canvas, 'How exact this is', exactnessLines(report, canvas)),
  ];
  return `${lines.join('\n')}\n`;
}

export function section({ colors }: Canvas, title: string, lines: readonly string[]): string[] {
  return ['', colors.bold(title), ...lines];
}
