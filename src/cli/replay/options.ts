/** The options of `ptshare replay`, and what their values must look like. */
import { type Command, Option } from 'commander';
import { colorOption, whole, widthOption } from '../option_values.ts';
import { IMAGE_HELP, imagePath } from '../run/image_file.ts';
import { TRACE_HELP, tracePath } from '../trace_file.ts';

export interface ReplayOptions {
  readonly strict?: true;
  readonly faults?: true;
  readonly save?: string;
  readonly until?: number;
  readonly show?: true;
  readonly trace?: string;
  readonly proc?: string;
  readonly image?: string;
  readonly json?: true;
  readonly top: number;
  readonly width?: number;
  readonly color: boolean;
}

const ROWS_DEFAULT = 20;
const ROWS_MAX = 1000;
const LINES_MAX = 2 ** 40;

export function addReplayOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  add(new Option('--strict', 'end at a line that cannot be read, instead of counting it'));
  add(new Option('--faults', 'of a command: record its page faults, too (root)'));
  add(new Option('--save <file>', 'of a command: keep the recording'));
  add(new Option('--until <line>', 'end behind that line').argParser(whole(1, LINES_MAX)));
  command.optionsGroup('How to show it:');
  add(new Option('--show', 'draw the address spaces that are left in the end').conflicts('json'));
  add(new Option('--trace <file>', TRACE_HELP).argParser(tracePath));
  add(new Option('--proc <folder>', 'write /proc of the processes that are left'));
  add(new Option('--image <file>', IMAGE_HELP).argParser(imagePath));
  add(new Option('--json', 'print JSON (docs/replay.md) instead of text'));
  add(
    new Option('--top <rows>', 'differences, and rows of what --show draws')
      .argParser(whole(1, ROWS_MAX))
      .default(ROWS_DEFAULT),
  );
  add(widthOption());
  add(colorOption());
  return command;
}
