/** What `ptshare fleet` does: reads samples of many hosts, and answers for all of them. */
import { DatasetWriter } from '../../dataset/save.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { renderFleetHtml } from '../../fleet/html/page.ts';
import type { FleetReport } from '../../fleet/schema.ts';
import { SeenSamples } from '../../fleet/seen.ts';
import { renderFleetReport } from '../../fleet/text/render.ts';
import { ExitCode, wrongUse } from '../failure.ts';
import { writeOutputFile } from '../output_file.ts';
import { withProgress } from '../progress.ts';
import { print } from '../stdout.ts';
import { textOptions } from '../terminal.ts';
import { type Analysis, analyseAll } from './analyse.ts';
import { analyseOnQueue } from './analyse_on_queue.ts';
import { withNewFolder, withTemporaryFolder } from './folders.ts';
import { findFiles } from './inputs.ts';
import type { FleetOptions } from './options.ts';
import { queryDataset } from './sql.ts';

export async function runFleet(paths: readonly string[], options: FleetOptions): Promise<ExitCode> {
  const files = await findFiles(paths);
  if (options.sql !== undefined) return query(files, options.sql, options);
  const report = await (options.save === undefined
    ? readFleet(files, options)
    : withNewFolder(options.save, (folder) => readFleet(files, options, folder)));
  if (options.html !== undefined) await writeOutputFile(options.html, renderFleetHtml(report));
  await print(
    options.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : renderFleetReport(report, textOptions(options)),
  );
  return report.refused.length > 0 ? ExitCode.FINDING : ExitCode.FINE;
}

async function query(
  files: readonly string[],
  sql: string,
  options: FleetOptions,
): Promise<ExitCode> {
  const answer = async (folder: string): Promise<ExitCode> => {
    const { refused } = await readFleet(files, options, folder);
    for (const { file, why } of refused) process.stderr.write(`ptshare: ${file}: ${why}\n`);
    await print(await queryDataset(folder, sql, options));
    return refused.length > 0 ? ExitCode.FINDING : ExitCode.FINE;
  };
  return options.save === undefined
    ? withTemporaryFolder(answer)
    : withNewFolder(options.save, answer);
}

/** @param folder an empty one to write all samples to */
function readFleet(
  files: readonly string[],
  { threads, queue }: FleetOptions,
  folder?: string,
): Promise<FleetReport> {
  return withProgress('Reading snapshots', async (say) => {
    const fleet = new Fleet();
    const seen = new SeenSamples();
    const writer = folder === undefined ? undefined : new DatasetWriter(folder);
    let done = 0;
    const onResult = async (file: string, result: Analysis): Promise<void> => {
      say(`${++done} of ${files.length}`);
      if ('why' in result) {
        fleet.refuse(file, result.why);
        return;
      }
      for (const sample of result.samples) {
        if (!seen.add(sample)) continue;
        fleet.add(sample);
        await writer?.add(sample);
      }
    };
    await (queue === undefined
      ? analyseAll(files, threads, onResult)
      : analyseOnQueue(files, queue, onResult));
    await writer?.flush();
    const report = fleet.finish();
    if (report.hosts > 0) return report;
    const { file, why } = report.refused[0] ?? { file: files[0]!, why: 'It has no samples' };
    throw wrongUse(`Cannot use any of ${files.length} files. ${file}: ${why}`, '');
  });
}
