/** Calls that change nothing. */
import type { Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { type CallSpec, returned, text } from './spec.ts';

const group = 'Looking';

export const LOOKING_CALLS = [
  {
    name: 'show',
    group,
    summary: 'draws all address spaces: VMAs and page tables',
    parameters: [],
    perform: (session) => shown(session, 'all'),
  },
  {
    name: 'maps',
    group,
    summary: 'draws the VMAs only',
    parameters: [],
    perform: (session) => shown(session, 'vmas'),
  },
  {
    name: 'tables',
    group,
    summary: 'draws the page tables only',
    parameters: [],
    perform: (session) => shown(session, 'tables'),
  },
  {
    name: 'audit',
    group,
    summary: 'recounts references, maps, tables and rights from the page tables',
    parameters: [],
    perform(session) {
      const violation = session.audit();
      return returned(
        violation === undefined ? 0n : 1n,
        undefined,
        violation === undefined ? 'all counts agree' : `${violation} is violated`,
      );
    },
  },
  {
    name: 'echo',
    group,
    summary: 'prints a line',
    parameters: [text('text')],
    perform: (_session, line: string) => ({ kind: 'text', lines: [line] }),
  },
] as const satisfies readonly CallSpec[];

function shown(session: Session, part: 'all' | 'vmas' | 'tables'): Outcome {
  return { kind: 'shown', view: session.view(), part };
}
