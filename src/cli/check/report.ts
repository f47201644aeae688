/** What came of the searches, as data: the JSON of `ptshare check`. */
import type { Bound, Estimate, Finding, Step } from '../../check/index.ts';
import type { RaceSource } from '../../race/race.ts';
import type { ZooEntry } from '../../zoo/index.ts';
import { raceOf, type SearchResult, type Subject } from './job.ts';

/** What is checked under one name, and what came of it; without a result, it was not begun. */
export interface Case {
  readonly name: string;
  /** Of the zoo; nothing for a scenario of the user's. */
  readonly entry: ZooEntry | undefined;
  readonly searches: readonly Search[];
}

export interface Search {
  readonly subject: Subject;
  readonly result: SearchResult | undefined;
}

/**
 * `expected`: with the mistake it was found as what it is, without it the search was complete and
 * clean. `undecided`: a bound ended the search before that could be said.
 */
export type Verdict = 'expected' | 'unexpected' | 'undecided';

export function verdictOf({ entry }: Case, { subject, result }: Search): Verdict {
  const isBroken = subject.kind === 'zoo' && subject.isBroken;
  if (result === undefined) return 'undecided';
  if (result.finding !== undefined) {
    const isMeant = isBroken && isOf(entry!, result.finding);
    return isMeant ? 'expected' : 'unexpected';
  }
  if (!result.isComplete) return 'undecided';
  return isBroken ? 'unexpected' : 'expected';
}

export function isOf({ properties }: ZooEntry, { property }: Finding): boolean {
  return properties.some((known) => known === property);
}

/** That in which something is found included, which is no complete one. */
export function executionsOf({ executions, finding }: SearchResult): number {
  return executions + (finding === undefined ? 0 : 1);
}

interface SearchReport {
  readonly verdict: Verdict;
  readonly complete: boolean;
  /** Bounds that were hit. */
  readonly boundsHit: readonly Bound[];
  /** How many there would be, guessed when the search had gone on for a second. */
  readonly estimate: Estimate | null;
  readonly executions: number;
  /** Executions given up because what was left had been seen. */
  readonly blocked: number;
  readonly deepest: number;
  /** Whether executions are counted up to the names of identical actors. */
  readonly symmetric: boolean;
  readonly seconds: number;
  readonly property: string | null;
  readonly schedule: string | null;
  readonly steps: readonly Step[] | null;
  /** What there was before the last step, and behind it. */
  readonly state: Finding['state'] | null;
}

export interface EntryReport {
  /** Of the zoo, or the file. */
  readonly id: string;
  /** With the mistake; `null` if that was not asked for, or not begun. */
  readonly on: (SearchReport & { readonly found: boolean }) | null;
  /** Without it, or the scenario of the file. */
  readonly off: (SearchReport & { readonly violations: number }) | null;
  /** What was searched, if it is a race as text. */
  readonly race: RaceSource | null;
  /** What the scenario leaves out. */
  readonly bounds: string | null;
}

export interface CheckReport {
  readonly version: 1;
  readonly entries: readonly EntryReport[];
}

/** The zoo, without a search. */
export function listJson(entries: readonly ZooEntry[]): object {
  const described = entries.map(
    ({ id, aliases, title, properties, actors, story, fix, versions, bounds }) => {
      const what = { title, properties, actors, story };
      return { id, aliases, ...what, fix: fix ?? null, versions, bounds };
    },
  );
  return { version: 1, entries: described };
}

export function toJson(cases: readonly Case[]): CheckReport {
  return { version: 1, entries: cases.map(entryReport) };
}

function entryReport(checked: Case): EntryReport {
  const { name, entry, searches } = checked;
  const on = searches.find(({ subject }) => subject.kind === 'zoo' && subject.isBroken);
  const off = searches.find((search) => search !== on);
  const [onReport, offReport] = [searchReport(checked, on), searchReport(checked, off)];
  return {
    id: name,
    on: onReport && { found: onReport.property !== null, ...onReport },
    off: offReport && { violations: offReport.property === null ? 0 : 1, ...offReport },
    race: raceOf(searches[0]?.subject),
    bounds: entry?.bounds ?? null,
  };
}

function searchReport(checked: Case, search: Search | undefined): SearchReport | null {
  const result = search?.result;
  if (result === undefined) return null;
  const { finding } = result;
  return {
    verdict: verdictOf(checked, search!),
    complete: result.isComplete,
    boundsHit: result.bounds,
    estimate: result.estimate ?? null,
    executions: executionsOf(result),
    blocked: result.blocked,
    deepest: result.deepest,
    symmetric: result.isSymmetric,
    seconds: Number(result.seconds.toFixed(3)),
    property: finding?.property ?? null,
    schedule: finding?.schedule ?? null,
    steps: finding?.steps ?? null,
    state: finding?.state ?? null,
  };
}
