/** `ptshare completion`: prints a script that a shell can load. */
import { Argument, Command } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { modelOf, type ProgramModel } from './model.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS: Readonly<Record<string, (model: ProgramModel) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const INSTALL = `
For this shell only:
  source <(ptshare completion bash)        bash, zsh
  ptshare completion fish | source         fish

For good:
  ptshare completion bash > ~/.local/share/bash-completion/completions/ptshare
  ptshare completion zsh > "\${fpath[1]}/_ptshare"
  ptshare completion fish > ~/.config/fish/completions/ptshare.fish`;

export function completionCommand(): Command {
  return new Command('completion')
    .summary('a completion script for bash, zsh or fish')
    .description('Prints a script that lets a shell complete the commands and options of ptshare.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', INSTALL)
    .action((shell: string, _options: unknown, command: Command) => {
      process.stdout.write(SCRIPTS[shell]!(modelOf(command.parent!)));
    });
}
