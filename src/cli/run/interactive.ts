/** `ptshare run -i`: calls as they are typed. Mistakes are said, and do not end it. */
import { createInterface, type Interface } from 'node:readline';
import { printable } from '../../report/printable.ts';
import {
  CALLS,
  constantNames,
  formatValue,
  isUnfinished,
  parseScript,
  ScriptError,
  type Session,
} from '../../script/index.ts';

const WELCOME = 'help() lists the calls, help(mmap) explains one, Tab completes; Ctrl-D ends.\n';
const QUIT = /^\s*\.?(quit|exit)\s*;?\s*$|^\s*quit\s*\(\s*\)\s*;?\s*$/;
const CONTINUED = '... ';

/** Runs until the input ends. */
export async function interact(session: Session): Promise<void> {
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(session, line),
  });
  if (terminal) process.stdout.write(WELCOME);
  await new Shell(session, lines, terminal).run();
}

class Shell {
  readonly #session: Session;
  readonly #lines: Interface;
  readonly #isTerminal: boolean;
  /** Lines of a statement that goes on. */
  #pending = '';
  #hasQuit = false;

  constructor(session: Session, lines: Interface, isTerminal: boolean) {
    this.#session = session;
    this.#lines = lines;
    this.#isTerminal = isTerminal;
  }

  run(): Promise<void> {
    this.#lines.on('line', (line) => this.#take(line));
    this.#lines.on('SIGINT', () => this.#forget());
    this.#prompt();
    return new Promise((resolve) => {
      this.#lines.on('close', () => {
        if (this.#pending !== '') this.#execute('\n;', false);
        if (this.#isTerminal) process.stdout.write('\n');
        resolve();
      });
    });
  }

  #take(line: string): void {
    // Lines that came together are delivered even so.
    if (this.#hasQuit) return;
    if (this.#pending === '' && QUIT.test(line)) {
      this.#hasQuit = true;
      this.#lines.close();
      return;
    }
    this.#execute(`${line}\n`, true);
    this.#prompt();
  }

  /** @param mayGoOn whether more lines may follow */
  #execute(line: string, mayGoOn: boolean): void {
    const text = this.#pending + line;
    this.#pending = '';
    try {
      for (const statement of parseScript(text)) {
        const value = this.#session.execute(statement);
        const { type } = statement.expression;
        const isSilent = type === 'CallExpression' || type === 'AssignmentExpression';
        if (!isSilent) process.stdout.write(`${printable(formatValue(value))}\n`);
      }
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      if (mayGoOn && isUnfinished(error)) this.#pending = text;
      else process.stderr.write(`${printable(error.reason)}\n${printable(error.mend)}\n`);
    }
  }

  /** Ctrl-C: what was typed is not wanted. */
  #forget(): void {
    const isEmpty = this.#pending === '' && this.#lines.line === '';
    this.#pending = '';
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    process.stdout.write(isEmpty ? '\nCtrl-D or quit() ends\n' : '^C\n');
    this.#prompt();
  }

  #prompt(): void {
    if (!this.#isTerminal) return;
    const { pid } = this.#session.process;
    this.#lines.setPrompt(this.#pending === '' ? `[pid ${pid}] ` : CONTINUED);
    this.#lines.prompt();
  }
}

/** What the name under the cursor can become, and that name. */
function complete(session: Session, line: string): [string[], string] {
  const [start] = /[A-Za-z_]\w*$/.exec(line) ?? [''];
  const isHelp = /\bhelp\(\s*\w*$/.test(line);
  const calls = CALLS.map(({ name }) => (isHelp ? name : `${name}(`));
  const names = isHelp ? calls : [...calls, ...session.variables.keys(), ...constantNames()];
  return [names.filter((name) => name.startsWith(start)), start];
}
