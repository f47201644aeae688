/** Completion for bash 4.4 and newer. */
import { type CommandModel, type ProgramModel, spellings } from './model.ts';

export function bashScript({ name, commands, options }: ProgramModel): string {
  const names = commands.map((command) => command.name);
  const long = options.map((option) => option.long);
  return `# ${name} for bash. Load it with: source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in ${names.join('|')}) command=$word && break ;; esac
  done
  COMPREPLY=()
  case $command in
${commands.map((command, i) => commandCase(command, i === 0)).join('\n')}
  esac
  if [[ -z $command ]]; then
    if [[ $current == -* ]]; then words+=' ${long.join(' ')}'; else words+=' ${names.join(' ')}'; fi
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _${name} ${name}
`;
}

/** The words that may follow; the default command's follow where no command is named, too. */
function commandCase(
  { name, options, choices, takesFile }: CommandModel,
  isDefault: boolean,
): string {
  const files = spellings(options, 'file');
  const free = spellings(options, 'free');
  const long = options.map((option) => option.long);
  const rest = takesFile ? 'compopt -o default; return' : `words='${choices.join(' ')}'`;
  const lines = [
    ...(files.length + free.length === 0 ? [] : ['      case $previous in']),
    ...(files.length === 0 ? [] : [`        ${files.join('|')}) compopt -o default && return ;;`]),
    ...(free.length === 0 ? [] : [`        ${free.join('|')}) return ;;`]),
    ...(files.length + free.length === 0 ? [] : ['      esac']),
    `      if [[ $current == -* ]]; then words='${long.join(' ')}'; else ${rest}; fi`,
    '      ;;',
  ];
  return [`    ${isDefault ? `'' | ` : ''}${name})`, ...lines].join('\n');
}
