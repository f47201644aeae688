/**
 * A process of its own that records a command with its page faults: ptrace(2) blocks whoever waits.
 *
 *     node main.js FILE COMMAND ...
 *
 * Ends with 0, or with 1 and one line on stderr that says why it cannot record here. Who starts it calls
 * `removeInstance()` behind it: it may be killed.
 */
import { writeFileSync } from 'node:fs';
import { NUMBERS } from './calls.ts';
import { merge } from './merge.ts';
import { PageCache } from './page_cache.ts';
import { loadPtrace } from './ptrace.ts';
import { removeInstance, TraceInstance } from './tracefs.ts';
import { Tracer } from './tracer.ts';

const [file, ...command] = process.argv.slice(2);

try {
  if (process.arch !== 'x64') throw new Error('this is not x86-64');
  const ptrace = loadPtrace();
  if (ptrace === undefined) throw new Error('koffi is not installed');
  try {
    const events = new TraceInstance(NUMBERS);
    const tracer = new Tracer(ptrace, new PageCache());
    tracer.run(command, events);
    writeFileSync(file!, `${merge(events.stop(), tracer).join('\n')}\n`);
  } finally {
    removeInstance(process.pid);
  }
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message.split('\n')[0]}\n`);
  process.exit(1);
}
// Its child has been waited for: there is nothing that the event loop could learn of it.
process.exit(0);
