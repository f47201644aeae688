/** The designs over a whole fleet: what each saves, and where. */
import { DESIGNS } from '../whatif/evaluate.ts';
import { bestDesign, savesBytes } from './hosts.ts';
import type { DesignRow, Sample } from './sample.ts';
import type { FleetDesignEntry, FleetSaving } from './schema.ts';

/** Names in a list of where a design saves. */
const PLACES_MAX = 20;

/** In the order of the designs; what a newer ptshare knows comes behind. */
export function designEntries(samples: readonly Sample[]): FleetDesignEntry[] {
  const entries = new Map<string, Draft>();
  for (const { id, title } of DESIGNS) entries.set(id, new Draft(id, title));
  for (const sample of samples) {
    const best = bestDesign(sample)?.name;
    for (const row of sample.designs) {
      const entry = entries.get(row.name) ?? new Draft(row.name, row.name);
      entries.set(row.name, entry);
      entry.add(sample.hostname, row, row.name === best);
    }
    for (const gain of sample.gains) entries.get(gain.design)?.addGain(gain.name, savesBytes(gain));
  }
  return [...entries.values()].filter(({ hosts }) => hosts.size > 0).map((draft) => draft.entry());
}

class Draft {
  readonly hosts = new Map<string, number>();
  readonly #software = new Map<string, number>();
  readonly #bounds = new Set<string>();
  readonly #id: string;
  readonly #title: string;
  #before = 0;
  #table = 0;
  #reserved = 0;
  #bestOn = 0;

  constructor(id: string, title: string) {
    this.#id = id;
    this.#title = title;
  }

  add(hostname: string, row: DesignRow, isBest: boolean): void {
    this.hosts.set(hostname, savesBytes(row));
    this.#before += row.beforeBytes;
    this.#table += row.tableBytes;
    this.#reserved += row.reservedBytes;
    if (isBest) this.#bestOn++;
    // Nothing saved is exact, whatever could not be seen.
    if (savesBytes(row) !== 0) this.#bounds.add(row.kind);
  }

  addGain(group: string, saves: number): void {
    this.#software.set(group, (this.#software.get(group) ?? 0) + saves);
  }

  entry(): FleetDesignEntry {
    return {
      id: this.#id,
      title: this.#title,
      bound: this.#bound(),
      beforeBytes: this.#before,
      tableBytes: this.#table,
      savesBytes: this.#before - this.#table,
      reservedBytes: this.#reserved,
      bestOn: this.#bestOn,
      software: mostFirst(this.#software),
      hosts: mostFirst(this.hosts),
    };
  }

  /** Exact values do not change whether a sum is an upper or a lower bound. */
  #bound(): FleetDesignEntry['bound'] {
    const isUpper = this.#bounds.has('upper');
    const isLower = this.#bounds.has('lower');
    if (isUpper && isLower) return 'mixed';
    return isUpper ? 'upper' : isLower ? 'lower' : 'exact';
  }
}

function mostFirst(savings: ReadonlyMap<string, number>): FleetSaving[] {
  return [...savings]
    .filter(([, bytes]) => bytes !== 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, PLACES_MAX)
    .map(([name, bytes]) => ({ name, savesBytes: bytes }));
}
