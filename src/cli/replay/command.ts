/** `ptshare replay`: the command, its help, and what it ends with. */
import { Command } from 'commander';
import type { ExitCode } from '../failure.ts';
import { addReplayOptions, type ReplayOptions } from './options.ts';
import { runReplay } from './run.ts';

const EXAMPLES = `
Examples:
  ptshare replay -- ls -la      records a program with strace, and replays it
  ptshare replay --faults -- ls  with its page faults: counters and VMAs are compared, too
  ptshare replay --save ls.strace -- ls
                                keeps the recording, too
  strace -f -y -o make.strace -e trace=%memory,%process,%ipc,%desc make -j
  ptshare replay make.strace    replays a recording
  zcat node.strace.gz | ptshare replay - --json
  ptshare replay make.strace --until 1200 --show
                                draws the address spaces as they were after line 1200

docs/replay.md says how to record, what is compared, and what each difference means.

Exit status: 0 the engine did what the kernel did; 1 it did not; 2 wrong use; 3 cannot run here.`;

export function replayCommand(end: (exitCode: ExitCode) => void): Command {
  return addReplayOptions(new Command('replay'))
    .summary('replay a recorded program, and compare addresses and errnos with the kernel')
    .description(
      'Makes the calls of a recorded program again on the simulated machine, and compares every address and errno with what the kernel answered.',
    )
    .argument('[file]', 'what strace -f recorded, also compressed; - for standard input')
    .argument('[arguments...]', 'behind --: a command to record, and its arguments')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, rest: readonly string[], options: ReplayOptions) =>
      end(await runReplay(file, rest, options)),
    );
}
