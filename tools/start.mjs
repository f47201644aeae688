/** `npm start [-- command options]`: sets up what is missing, then runs the command line. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ROOT } from './setup.mjs';

await build();
const child = spawn(
  process.execPath,
  ['--enable-source-maps', join(ROOT, 'dist/src/cli/main.js'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
// Ctrl-C reaches the whole foreground group: the child decides how to end, and we end with it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('close', (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  process.exit(code ?? 1);
});
