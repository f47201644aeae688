/** Records a command: its calls with strace(1), or with page faults by a process of our own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { removeInstance } from '../../capture/record/tracefs.ts';
import { ExitCode, Failure } from '../failure.ts';
import { stopOnSignals } from '../signals.ts';

/** What concerns address spaces, what mapped descriptors stand for, where programs are looked for, and limits. */
const CALLS = [
  ...['%memory', '%process', '%ipc', 'memfd_create', 'open', 'openat', 'openat2', 'creat', 'close'],
  ...['close_range', 'dup', 'dup2', 'dup3', 'fcntl', 'ftruncate', 'fallocate'],
  ...['chdir', 'fchdir', 'setrlimit', 'prlimit64'],
];

/** Signals end strace, and with it the command; calls that are not recorded cost nothing. */
const OPTIONS = ['-I', '2', '-f', '-y', '-s', '1024', '--seccomp-bpf'];

/** Runs `command`, whose output goes to stderr, and records it in `path`. @throws Failure */
export async function record(command: readonly string[], path: string): Promise<void> {
  const options = [...OPTIONS, '-e', `trace=${CALLS.join(',')}`, '-o', path];
  const strace = spawn('strace', [...options, '--', ...command], {
    stdio: ['inherit', 2, 2],
  });
  const status = await endOf(strace);
  if (status === 0) return;
  process.stderr.write(
    `The command ended with ${status === null ? 'a signal' : `status ${status}`}\n`,
  );
}

const RECORDER = fileURLToPath(new URL('../../capture/record/main.js', import.meta.url));

/** As `record()`, with page faults. @throws Failure */
export async function recordFaults(command: readonly string[], path: string): Promise<void> {
  const recorder = spawn(process.execPath, [RECORDER, path, ...command], {
    stdio: ['inherit', 2, 2],
  });
  const status = await endOf(recorder, () => removeInstance(recorder.pid!));
  if (status === 0) return;
  throw new Failure(
    ExitCode.CANNOT_RUN,
    'Cannot record page faults here',
    'It takes root, tracefs, koffi and x86-64; without --faults, strace records calls only',
  );
}

/** Ctrl-C reaches the command, too: what was recorded until then is of no use. */
async function endOf(recorder: ChildProcess, tidy = (): void => {}): Promise<number | null> {
  const end = stopOnSignals(() => recorder.kill('SIGTERM'));
  const status = await new Promise<number | null>((resolve, reject) => {
    recorder.once('error', (error) => reject(startFailure(error)));
    recorder.once('close', resolve);
  });
  tidy();
  end();
  return status;
}

function startFailure(error: Error): unknown {
  if (!('code' in error) || error.code !== 'ENOENT') return error;
  return new Failure(
    ExitCode.CANNOT_RUN,
    'Cannot record: strace is not installed',
    'Install strace, or replay a recording that was made elsewhere',
  );
}
