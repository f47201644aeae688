/** Limits that a user sets, and when they are passed. */
import { formatBytes, formatPercent, percentOf } from '../report/quantity.ts';
import { bestDesign, savesBytes } from './hosts.ts';
import type { Sample } from './sample.ts';

export interface Threshold {
  /** As it was written: `tables=2%`. */
  readonly text: string;
  readonly measure: 'tables' | 'duplicates' | 'savings' | 'group';
  /** Of the group, '' for the other measures. */
  readonly group: string;
  readonly limit: number;
  /** `percent` is of MemTotal. */
  readonly unit: 'bytes' | 'percent';
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** Reads `tables=2%`, `duplicates=500M`, `savings=1G` or `group:postgres=10G`; undefined if not one. */
export function parseThreshold(text: string): Threshold | undefined {
  const [, subject = '', amount = '', unit = '', percent] =
    /^(.+)=(\d{1,15}(?:\.\d{1,6})?)(?:([KMGT]?)(?:i?B)?|(%))$/.exec(text) ?? [];
  const limit = Number(amount) * (percent === undefined ? UNITS[unit]! : 1);
  const isGroup = subject.startsWith('group:') && subject.length > 'group:'.length;
  const measure = isGroup ? 'group' : subject;
  if (!isMeasure(measure) || (measure === 'group') !== isGroup || !(limit > 0)) return undefined;
  return {
    text,
    measure,
    group: isGroup ? subject.slice('group:'.length) : '',
    limit,
    unit: percent === undefined ? 'bytes' : 'percent',
  };
}

function isMeasure(word: string): word is Threshold['measure'] {
  return ['tables', 'duplicates', 'savings', 'group'].includes(word);
}

/** In the unit of the threshold. */
export function measured(threshold: Threshold, sample: Sample): number {
  const bytes = bytesOf(threshold, sample);
  return threshold.unit === 'bytes' ? bytes : percentOf(bytes, sample.host.memoryBytes);
}

function bytesOf({ measure, group }: Threshold, sample: Sample): number {
  switch (measure) {
    case 'tables':
      return sample.host.pageTablesBytes;
    case 'duplicates':
      return sample.host.duplicateBytes;
    case 'savings': {
      const best = bestDesign(sample);
      return best === undefined ? 0 : savesBytes(best);
    }
    case 'group':
      return sample.groups.find(({ name }) => name === group)?.tableBytes ?? 0;
  }
}

export interface Alarm {
  readonly threshold: string;
  readonly state: 'raised' | 'cleared';
  /** In the unit of the threshold, as `limit`. */
  readonly value: number;
  readonly limit: number;
  readonly unit: Threshold['unit'];
}

/** What is raised is cleared below this share of the limit, so that it does not flutter. */
const CLEARED_BELOW = 0.95;

export class Alarms {
  readonly #thresholds: readonly Threshold[];
  readonly #raised = new Set<Threshold>();

  constructor(thresholds: readonly Threshold[]) {
    this.#thresholds = thresholds;
  }

  /** The thresholds that are passed now, as they were written. */
  get raised(): string[] {
    return [...this.#raised].map(({ text }) => text);
  }

  /** What was raised or cleared by this sample. */
  next(sample: Sample): Alarm[] {
    return this.#thresholds.flatMap((threshold): Alarm[] => {
      const value = measured(threshold, sample);
      const { text, limit, unit } = threshold;
      const wasRaised = this.#raised.has(threshold);
      const isRaised = wasRaised ? value >= limit * CLEARED_BELOW : value > limit;
      if (isRaised === wasRaised) return [];
      if (isRaised) this.#raised.add(threshold);
      else this.#raised.delete(threshold);
      return [{ threshold: text, state: isRaised ? 'raised' : 'cleared', value, limit, unit }];
    });
  }
}

/** `RAISED tables=2%: 2.3%`. */
export function alarmSentence({ threshold, state, value, unit }: Alarm): string {
  const shown = unit === 'bytes' ? formatBytes(value) : formatPercent(value);
  return `${state === 'raised' ? 'RAISED' : 'cleared'} ${threshold}: ${shown}`;
}
