/**
 * A process of its own that records a command with its page faults: ptrace(2) blocks whoever waits.
 *
 *     node main.js FILE COMMAND ...
 *
 * Ends with 0, or with 1 and one line on stderr that says why it cannot record here.
 */
import { writeFileSync } from 'node:fs';
import { NUMBERS } from './calls.ts';
import { merge } from './merge.ts';
import { loadPtrace } from './ptrace.ts';
import { TraceInstance } from './tracefs.ts';
import { Tracer } from './tracer.ts';

const [file, ...command] = process.argv.slice(2);

try {
  const ptrace = loadPtrace();
  if (ptrace === undefined) throw new Error('koffi is not installed');
  const events = new TraceInstance(NUMBERS);
  try {
    const tracer = new Tracer(ptrace);
    tracer.run(command, events);
    writeFileSync(file!, `${merge(events.stop(), tracer).join('\n')}\n`);
  } finally {
    events.remove();
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
// Its child has been waited for: there is nothing that the event loop could learn of it.
process.exit(0);
