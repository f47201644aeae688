/** The last lines: how far all this can be trusted. */
import {
  exactnessSentence,
  identitySentence,
  residualPhrase,
  unexplainedProcesses,
  unseenPhrases,
} from '../exactness.ts';
import { printable } from '../printable.ts';
import type { HostReport } from '../schema.ts';
import type { Canvas } from './canvas.ts';
import { wrap } from './fit.ts';

const UNEXPLAINED_SHOWN = 5;

export function exactnessLines(report: HostReport, { symbols, width }: Canvas): string[] {
  const unexplained = unexplainedProcesses(report).slice(0, UNEXPLAINED_SHOWN).map(residualPhrase);
  const unseen = unseenPhrases(report);
  const sentences = [
    exactnessSentence(report),
    identitySentence(report),
    ...(unexplained.length > 0 ? [`Left over in ${unexplained.join(', ')}`] : []),
    ...(unseen.length > 0 ? [`Not seen whole: ${unseen.join('; ')}`] : []),
    ...report.notes.map(printable),
  ];
  return sentences.flatMap((sentence) =>
    wrap(sentence, width - 4, symbols.ellipsis).map(
      (line, i) => (i === 0 ? `  ${symbols.bullet} ` : '    ') + line,
    ),
  );
}
