/** What a crowd's figures come to. */
import type { CrowdEntry } from './cost_schema.ts';

export type CrowdDesign = CrowdEntry['designs'][number];
type Phase = CrowdDesign['phases'][number];

export interface CrowdFigures {
  readonly locks: number;
  /** How often somebody had to wait. */
  readonly waits: number;
  /** Of all turns, those in which a process could only wait: 0 to 1. */
  readonly waiting: number;
  /** What most of these were for. */
  readonly most: string;
}

/** Of one phase, or of all. */
export function crowdFigures({ phases }: CrowdDesign, wanted?: Phase['phase']): CrowdFigures {
  const counted = phases.filter(({ phase }) => wanted === undefined || phase === wanted);
  const sum = (value: (phase: Phase) => number): number =>
    counted.reduce((total, phase) => total + value(phase), 0);
  const all = counted.flatMap(({ waits }) => waits);
  const turns = all.reduce((total, wait) => total + wait.turns, 0);
  const steps = sum((phase) => phase.steps);
  const [most] = all.toSorted((one, other) => other.turns - one.turns);
  return {
    locks: sum(({ locks }) => locks),
    waits: all.reduce((total, { times }) => total + times, 0),
    waiting: steps + turns === 0 ? 0 : turns / (steps + turns),
    most: most?.for ?? '-',
  };
}

export function crowdIntroduction({ processes, pages }: CrowdEntry): string {
  return (
    `${processes} processes, each on a CPU of its own, touch ${pages} pages of what they have in ` +
    'common, then all end. They take one step each in turn, whatever a step is: waiting can be ' +
    'compared between designs, and is no time'
  );
}
