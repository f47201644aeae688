/** What searches count, added up. */
import type { Figures } from './job.ts';

export const NO_FIGURES: Figures = {
  executions: 0,
  blocked: 0,
  beyond: 0,
  probes: 0,
  steps: 0,
  deepest: 0,
};

/** Of a search in parts. */
export function sumOf(one: Figures, other: Figures): Figures {
  return {
    executions: one.executions + other.executions,
    blocked: one.blocked + other.blocked,
    beyond: one.beyond + other.beyond,
    probes: one.probes + other.probes,
    steps: one.steps + other.steps,
    deepest: Math.max(one.deepest, other.deepest),
  };
}

/** The figures of a result, and nothing else. */
export function figuresOf(result: Figures): Figures {
  const { executions, blocked, beyond, probes, steps, deepest } = result;
  return { executions, blocked, beyond, probes, steps, deepest };
}
