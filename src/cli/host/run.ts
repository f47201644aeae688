/** What `ptshare host` does: reads a host, writes what was asked for, prints the rest. */
import { createHmac, randomBytes } from 'node:crypto';
import { buildHostReport, type ReportOptions } from '../../report/build_report.ts';
import { compareReports } from '../../report/compare/compare.ts';
import { renderComparison } from '../../report/compare/render_text.ts';
import { renderHostHtml } from '../../report/html/page.ts';
import type { HostReport } from '../../report/schema.ts';
import { renderHostReport } from '../../report/text/render.ts';
import { encodeSnapshot } from '../../snapshot/encode.ts';
import type { HostSnapshot } from '../../snapshot/records.ts';
import { redactSnapshot } from '../../snapshot/redact.ts';
import { ExitCode, wrongUse } from '../failure.ts';
import { writeOutputFile } from '../output_file.ts';
import { withProgress } from '../progress.ts';
import { print } from '../stdout.ts';
import { textOptions } from '../terminal.ts';
import { readHost, readReport } from './input.ts';
import type { HostOptions } from './options.ts';
import { checkAgainstWalk, walkKernel } from './walk_check.ts';

/** Enough to keep a million names apart, and no longer than a command name may be. */
const HASH_DIGITS = 12;

export async function runHost(options: HostOptions): Promise<ExitCode> {
  // What is wrong with a file should not be found out after a long capture.
  const before = options.compare === undefined ? undefined : await readReport(options.compare);
  const captured = await readHost(options);
  // At once, while the processes still have the tables that were seen.
  const walked = options.exact && walkKernel();
  const snapshot = options.redact ? redactSnapshot(captured, keyedHash()) : captured;
  if (options.save !== undefined) await writeOutputFile(options.save, encodeSnapshot(snapshot));

  const report = await withProgress('Counting tables', async () => reportOf(snapshot, options));
  const check = walked && checkAgainstWalk(report, walked);
  report.notes.push(...(check?.notes ?? []));
  if (options.html !== undefined) await writeOutputFile(options.html, renderHostHtml(report));
  await print(
    before === undefined ? hostOutput(report, options) : comparisonOutput(before, report, options),
  );
  return check?.agrees === false ? ExitCode.FINDING : ExitCode.FINE;
}

function reportOf(snapshot: HostSnapshot, { includeKernel, project }: HostOptions): HostReport {
  const options: ReportOptions = {
    includeKernel: includeKernel ?? false,
    projections: project ?? [],
  };
  try {
    return buildHostReport(snapshot, options);
  } catch (error) {
    if (!(error instanceof RangeError) || project === undefined) throw error;
    const groups = project.map(({ group }) => group).join(', ');
    throw wrongUse(
      `${error.message} (--project ${groups})`,
      'Pass the name of a group as the report shows it',
    );
  }
}

function hostOutput(report: HostReport, options: HostOptions): string {
  return options.json ? json(report) : renderHostReport(report, textOptions(options));
}

function comparisonOutput(before: HostReport, after: HostReport, options: HostOptions): string {
  const comparison = compareReports(before, after);
  return options.json ? json(comparison) : renderComparison(comparison, textOptions(options));
}

/** Names become hashes of a key that is gone when the program ends: nobody can try out guesses. */
function keyedHash(): (text: string) => string {
  const key = randomBytes(32);
  return (text) => createHmac('sha256', key).update(text).digest('hex').slice(0, HASH_DIGITS);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
