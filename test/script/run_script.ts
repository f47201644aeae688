/** Scripts for tests: run on the blanked build, with what they did. */
import { formatById } from '../../src/arch/index.ts';
import {
  type Engine,
  type MachineOptions,
  parseScript,
  Session,
  type Step,
} from '../../src/script/index.ts';

export const blanked = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as Engine;

export const SMALL: MachineOptions = {
  format: formatById('x86_64-4level')!,
  cpus: 2,
  memoryBytes: 2 ** 26,
  thp: 'madvise',
  mapCountMax: 65530,
};

export interface Run {
  readonly session: Session;
  readonly steps: readonly Step[];
}

export function runScript(text: string, options: Partial<MachineOptions> = {}): Run {
  const steps: Step[] = [];
  const session = new Session({
    mm: blanked,
    ...SMALL,
    ...options,
    onStep: (step) => steps.push(step),
  });
  for (const statement of parseScript(text)) session.execute(statement);
  return { session, steps };
}
