/** Why a search says less than it might. */
import type { Bound } from '../../check/index.ts';
import type { SearchResult } from './job.ts';

const STOPPED = {
  timeout: 'its time was over',
  signal: 'it was interrupted',
  poison: 'units of it were set aside',
} as const;

/** What kept a search from being complete. */
export function reasonsOf({ bounds, stoppedBy, probability }: SearchResult): string[] {
  const reasons: Readonly<Record<Bound, string>> = {
    executions: 'the number of executions was limited',
    steps: 'executions that do not end were left',
    switches: 'schedules with more context switches were left out',
    preemptions: 'schedules with more preemptions were left out',
    sample:
      probability === undefined
        ? 'schedules were drawn at random'
        : `schedules were drawn at random: a bug of that depth is met with a probability of ${probability.toPrecision(2)} or more`,
    stopped: STOPPED[stoppedBy ?? 'signal'],
  };
  return bounds.map((bound) => reasons[bound]);
}
