/** What `ptshare check --json` prints. */
import { z } from 'zod';
import { RACE_LENGTH_MAX } from '../race/race.ts';
import type { FoundEntry, StorySource } from '../scene/story.ts';
import { findEntry } from '../zoo/index.ts';
import { DocumentError } from './document_error.ts';

const STEPS_MAX = 100_000;
const step = z.object({
  actor: z.string(),
  does: z.string(),
  holds: z.array(z.string()).optional(),
});
const steps = z.array(step).max(STEPS_MAX);
const search = z
  .object({
    property: z.string().nullable(),
    schedule: z.string().nullable(),
    steps: steps.nullable(),
  })
  .nullable();
const name = z.string().max(64);
const race = z
  .object({
    text: z.string().max(RACE_LENGTH_MAX),
    format: name,
    design: name,
    bugs: z.array(name).max(64),
  })
  .nullish();
const report = z.object({
  version: z.literal(1),
  entries: z.array(z.object({ id: z.string(), on: search, off: search, race })),
});
const replayed = z.object({
  version: z.literal(1),
  id: z.string(),
  race,
  finding: z.object({ property: z.string(), schedule: z.string(), steps }).nullable(),
});

export class Findings {
  readonly entries: readonly FoundEntry[];

  private constructor(entries: readonly FoundEntry[]) {
    this.entries = entries;
  }

  /** Nothing if `data` is nothing that `check` prints. @throws DocumentError if it holds no finding */
  static ofJson(data: unknown): Findings | undefined {
    const one = replayed.safeParse(data);
    if (one.success) {
      const { id, race: text, finding } = one.data;
      return new Findings(entriesOf([{ id, race: text, ...finding }]));
    }
    const many = report.safeParse(data);
    if (!many.success) return undefined;
    return new Findings(
      entriesOf(
        many.data.entries.map(({ id, on, off, race: text }) => ({
          id,
          race: text,
          ...(on ?? off),
        })),
      ),
    );
  }
}

interface Found {
  readonly id: string;
  readonly race: z.infer<typeof race>;
  readonly property?: string | null;
  readonly schedule?: string | null;
  readonly steps?: FoundEntry['steps'] | null;
}

function entriesOf(found: readonly Found[]): FoundEntry[] {
  const entries = found.flatMap((each) => {
    const { id, property, schedule, steps: taken } = each;
    if (property == null || schedule == null) return [];
    return [{ id, property, schedule, steps: taken ?? [], source: sourceOf(each) }];
  });
  if (entries.length > 0) return entries;
  throw new DocumentError(
    'Nothing was found in these searches: there is no counterexample to show',
    'Search with the mistake switched on: `ptshare check B1 --on --json`',
  );
}

function sourceOf({ id, race: text }: Found): StorySource | undefined {
  if (text != null) return { kind: 'race', ...text, cpus: 1 };
  return findEntry(id) === undefined ? undefined : { kind: 'zoo', id };
}
