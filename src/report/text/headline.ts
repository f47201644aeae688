/** The first lines: which host, what its page tables cost, and what helps most. */
import {
  bestSentence,
  type Composition,
  compositionOf,
  costSentence,
  repeatedSentence,
} from '../headline.ts';
import { printable } from '../printable.ts';
import { formatBytes, formatTime } from '../quantity.ts';
import type { HostReport } from '../schema.ts';
import { type Segment, stackedBar } from './bar.ts';
import type { Canvas } from './canvas.ts';
import { flow, wrap } from './fit.ts';

const BAR_WIDTH_MAX = 96;

export function headlineLines(report: HostReport, canvas: Canvas): string[] {
  const { colors, symbols, width } = canvas;
  const paragraph = (text: string): string[] => wrap(text, width, symbols.ellipsis);
  const { hostname, kernel, takenAt } = report;
  const place = `ptshare host: ${printable(hostname)}, Linux ${printable(kernel.release)} ${printable(kernel.machine)}, ${printable(formatTime(takenAt))}`;
  return [
    ...paragraph(place).map(colors.dim),
    '',
    ...paragraph(`${costSentence(report)}.`).map(colors.bold),
    ...paragraph(`${repeatedSentence(report)}.`).map((line) => colors.bold(colors.yellow(line))),
    ...paragraph(`${bestSentence(report)}.`).map(colors.green),
    '',
    ...compositionLines(compositionOf(report), canvas),
  ];
}

interface Part extends Segment {
  readonly label: string;
}

function compositionLines(composition: Composition, { colors, symbols, width }: Canvas): string[] {
  const part = (label: string, bytes: number, symbol: string, paint: Segment['paint']): Part => ({
    label: `${label} ${formatBytes(bytes)}`,
    share: bytes,
    symbol,
    paint,
  });
  const parts = [
    part('the same again', composition.repeatedBytes, symbols.repeated, colors.yellow),
    part('one of each', composition.onceBytes, symbols.full, colors.blue),
    part('kernel', composition.kernelBytes, symbols.kernel, colors.magenta),
    part('not seen', composition.elsewhereBytes, symbols.empty, colors.dim),
  ].filter(({ share }) => share > 0);
  const legend = parts.map(({ label, symbol, paint }) => `${paint(symbol)} ${label}`);
  return [stackedBar(parts, Math.min(width, BAR_WIDTH_MAX)), ...flow(legend, width)];
}
