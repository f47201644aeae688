/** A comparison as a page, if that is asked for, and as what is printed. */
import type { TextOptions } from '../../report/text/canvas.ts';
import { writeOutputFile } from '../output_file.ts';
import { textOptions } from '../terminal.ts';
import type { CompareOptions } from './options.ts';

/** No table of a comparison has more rows than a sweep has values. */
const ROWS_ALL = Number.MAX_SAFE_INTEGER;

/** @returns what is to be printed */
export async function showComparison<Comparison>(
  comparison: Comparison,
  options: CompareOptions,
  htmlOf: (comparison: Comparison) => string,
  textOf: (comparison: Comparison, options: TextOptions) => string,
): Promise<string> {
  if (options.html !== undefined) await writeOutputFile(options.html, htmlOf(comparison));
  if (options.json === true) return `${JSON.stringify(comparison, null, 2)}\n`;
  return textOf(comparison, textOptions({ ...options, top: ROWS_ALL }));
}
