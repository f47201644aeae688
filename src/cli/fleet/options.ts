/** The options of `ptshare fleet`. */
import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { queueOption } from '../jobs/option.ts';
import { colorOption, whole, widthOption } from '../option_values.ts';

export interface FleetOptions {
  readonly json?: true;
  readonly html?: string;
  readonly save?: string;
  readonly sql?: string;
  readonly threads: number;
  readonly queue?: string;
  readonly top: number;
  readonly width?: number;
  readonly color: boolean;
}

const ROWS_DEFAULT = 10;
const THREADS_MAX = 256;

export function addFleetOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  command.optionsGroup('What to do with it:');
  add(new Option('--json', 'print JSON (docs/report.md) instead of text'));
  add(new Option('--html <file>', 'write the report as one HTML file too'));
  add(new Option('--save <folder>', 'write all samples as one Parquet dataset, into a new folder'));
  add(new Option('--sql <query>', 'answer a query instead, with DuckDB').conflicts(['html']));
  add(
    new Option('--threads <n>', 'analyse files on so many threads')
      .argParser(whole(1, THREADS_MAX))
      .default(availableParallelism(), 'one for each CPU'),
  );
  add(queueOption());
  command.optionsGroup('How to show it:');
  add(
    new Option('--top <rows>', 'rows of each table')
      .argParser(whole(1, 1_000_000))
      .default(ROWS_DEFAULT),
  );
  add(widthOption());
  add(colorOption());
  return command;
}
