/** Records a command with strace(1). */
import { spawn } from 'node:child_process';
import { ExitCode, Failure } from '../failure.ts';
import { stopOnSignals } from '../signals.ts';

/** What concerns address spaces, and what mapped descriptors stand for. */
const CALLS = [
  ...['%memory', '%process', '%ipc', 'memfd_create', 'open', 'openat', 'openat2', 'creat', 'close'],
  ...['close_range', 'dup', 'dup2', 'dup3', 'fcntl', 'ftruncate', 'fallocate'],
];

/** Runs `command`, whose output goes to stderr, and records it in `path`. @throws Failure */
export async function record(command: readonly string[], path: string): Promise<void> {
  const options = ['-f', '-y', '--seccomp-bpf', '-s', '1024', '-e', `trace=${CALLS.join(',')}`];
  const strace = spawn('strace', [...options, '-o', path, '--', ...command], {
    stdio: ['inherit', 2, 2],
  });
  // Ctrl-C reaches the command, too: what was recorded until then is of no use.
  const end = stopOnSignals(() => strace.kill('SIGTERM'));
  const status = await new Promise<number | null>((resolve, reject) => {
    strace.once('error', (error) => reject(startFailure(error)));
    strace.once('close', resolve);
  });
  end();
  if (status === 0) return;
  process.stderr.write(
    `The command ended with ${status === null ? 'a signal' : `status ${status}`}\n`,
  );
}

function startFailure(error: Error): unknown {
  if (!('code' in error) || error.code !== 'ENOENT') return error;
  return new Failure(
    ExitCode.CANNOT_RUN,
    'Cannot record: strace is not installed',
    'Install strace, or replay a recording that was made elsewhere',
  );
}
