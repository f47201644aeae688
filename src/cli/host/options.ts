/** The options of `ptshare host`, and what their values must look like. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { colorOption, whole, widthOption } from '../option_values.ts';

export interface Projection {
  readonly group: string;
  readonly processes: number;
}

export interface HostOptions {
  readonly pid?: readonly number[];
  readonly comm?: string;
  readonly cgroup?: string;
  readonly budget?: number;
  readonly exact?: true;
  readonly includeKernel?: true;
  readonly project?: readonly Projection[];
  readonly from?: string;
  readonly redact?: true;
  readonly compare?: string;
  readonly json?: true;
  readonly html?: string;
  readonly save?: string;
  readonly top: number;
  readonly width?: number;
  readonly color: boolean;
}

const ROWS_DEFAULT = 10;
const PROCESSES_MAX = 1_000_000;

export function addHostOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  command.optionsGroup('What to look at:');
  add(new Option('--pid <pids>', 'only these processes: 17,42 or repeated').argParser(pids));
  add(new Option('--comm <name>', 'only processes with this command name'));
  add(new Option('--cgroup <path>', 'only processes in this control group or below it'));
  add(new Option('--budget <seconds>', 'read tables for at most so long').argParser(seconds));
  add(
    new Option('--from <snapshot>', 'a saved host instead of this one').conflicts([
      'pid',
      'comm',
      'cgroup',
      'budget',
      'exact',
    ]),
  );
  add(new Option('--include-kernel', "list the kernel's own tables among the groups"));
  add(new Option('--exact', 'hold the result against a walk of the real tables (root)'));
  add(
    new Option('--project <group=n>', 'predict with n processes in that group; repeatable')
      .argParser(projections)
      .conflicts(['compare', 'exact']),
  );
  command.optionsGroup('What to do with it:');
  add(new Option('--json', 'print JSON (docs/report.md) instead of text'));
  add(new Option('--html <file>', 'write the report as one HTML file too'));
  add(new Option('--save <file>', 'write a snapshot for --from and --compare'));
  add(
    new Option('--compare <before>', 'what changed since a --save or --json file').conflicts([
      'html',
      'exact',
    ]),
  );
  add(new Option('--redact', 'replace names, paths and command lines by hashes'));
  command.optionsGroup('How to show it:');
  add(
    new Option('--top <rows>', 'rows of each table')
      .argParser(whole(1, PROCESSES_MAX))
      .default(ROWS_DEFAULT),
  );
  add(widthOption());
  add(colorOption());
  return command;
}

const pid = whole(1, 2 ** 22);
const count = whole(0, PROCESSES_MAX);

function pids(text: string, earlier: readonly number[] = []): readonly number[] {
  return [...earlier, ...text.split(',').map(pid)];
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('A number of seconds above 0 is wanted.');
  }
  return value;
}

function projections(text: string, earlier: readonly Projection[] = []): readonly Projection[] {
  const split = text.lastIndexOf('=');
  if (split <= 0) {
    throw new InvalidArgumentError('A group and a number are wanted, as in postgres=500.');
  }
  const processes = count(text.slice(split + 1));
  return [...earlier, { group: text.slice(0, split), processes }];
}
