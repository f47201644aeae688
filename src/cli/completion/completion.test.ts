import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isInstalled, ptshare } from '../../../test/command_line.ts';

const NO_EXECUTE = { bash: '-n', zsh: '-n', fish: '--no-execute' } as const;

/** What `judge` makes of a file with that text: shells do not read scripts from sockets. */
function inFile<T>(text: string, judge: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-completion-'));
  try {
    const path = join(folder, 'script');
    writeFileSync(path, text);
    return judge(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const [shell, flag] of Object.entries(NO_EXECUTE)) {
  const skip = isInstalled(shell) ? false : `${shell}, the judge, is not installed`;
  test(`the script for ${shell} is one that ${shell} accepts`, { skip }, () => {
    const script = ptshare(['completion', shell]);
    assert.deepEqual([script.status, script.stderr], [0, '']);
    const { status, stderr } = inFile(script.stdout, (path) =>
      spawnSync(shell, [flag, path], { encoding: 'utf8' }),
    );
    assert.deepEqual([status, stderr], [0, '']);
  });
}

/** What bash offers for the words typed so far, the last of them unfinished. */
function completions(...words: string[]): string[] {
  const program = `
    complete() { :; }; compopt() { echo "compopt $*"; }
    eval "$(cat)"
    COMP_WORDS=(${['ptshare', ...words].map((word) => `'${word}'`).join(' ')})
    COMP_CWORD=${words.length}
    _ptshare
    printf '%s\\n' "\${COMPREPLY[@]}"
  `;
  const script = ptshare(['completion', 'bash']).stdout;
  const { stdout, stderr } = spawnSync('bash', ['-c', program], {
    input: script,
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

const bash = { skip: isInstalled('bash') ? false : 'bash, the judge, is not installed' };

test('bash completes commands, their options, and choices', bash, () => {
  assert.deepEqual(completions(''), ['host', 'run', 'check', 'view', 'completion', 'help']);
  assert.deepEqual(completions('co'), ['completion']);
  assert.deepEqual(completions('completion', ''), ['bash', 'zsh', 'fish']);
  assert.deepEqual(completions('host', '--re'), ['--redact']);
  assert.deepEqual(completions('host', '--json', '--ht'), ['--html']);
});

test('bash completes options of the default command without its name', bash, () => {
  assert.deepEqual(completions('--js'), ['--json']);
  assert.deepEqual(completions('--vers'), ['--version']);
});

test('bash completes files behind options that take one, and nothing behind others', bash, () => {
  assert.deepEqual(completions('--from', ''), ['compopt -o default']);
  assert.deepEqual(completions('host', '--save', 'x'), ['compopt -o default']);
  assert.deepEqual(completions('host', '--pid', ''), []);
  assert.deepEqual(completions('run', ''), ['compopt -o default']);
  assert.deepEqual(completions('run', '--inter'), ['--interactive']);
  assert.deepEqual(completions('check', ''), ['compopt -o default']);
  assert.deepEqual(completions('check', '--checkpoint', ''), ['compopt -o default']);
});

const fish = { skip: isInstalled('fish') ? false : 'fish, the judge, is not installed' };

test('fish completes commands, options and choices', fish, () => {
  const script = ptshare(['completion', 'fish']).stdout;
  const offered = (line: string): string[] => {
    const { stdout } = inFile(script, (path) =>
      spawnSync('fish', ['-c', `source ${path}; complete -C '${line}'`], { encoding: 'utf8' }),
    );
    return stdout
      .split('\n')
      .map((entry) => entry.split('\t')[0]!)
      .filter((word) => word !== '');
  };
  assert.deepEqual(offered('ptshare co'), ['completion']);
  assert.deepEqual(offered('ptshare --js'), ['--json']);
  assert.deepEqual(offered('ptshare completion z'), ['zsh']);
});

test('every option of the help is in every script', () => {
  const help = ptshare(['host', '--help']).stdout;
  const options = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name!);
  assert.ok(options.length > 15);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = ptshare(['completion', shell]).stdout;
    const missing = options
      .filter((name) => name !== '--help' || shell !== 'fish')
      .filter((name) => !script.includes(shell === 'fish' ? `-l ${name.slice(2)} ` : name));
    assert.deepEqual(missing, [], shell);
  }
});
