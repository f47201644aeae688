/** Counterexamples: of a file, or of the zoo by name. */
import { useEffect, useMemo, useState } from 'react';
import type { FoundEntry, StorySource } from '../../scene/story.ts';
import type { OpenedStory, ZooItem } from '../protocol.ts';
import { linkTo, type Route } from '../route.ts';
import { store, useStore } from '../store.ts';
import { Empty } from '../ui/empty.tsx';
import { StepsOnly } from './steps_only.tsx';
import { StoryView } from './story_view.tsx';

export function FindingView({ route }: { readonly route: Route }) {
  const { findings } = useStore();
  const entries = findings?.entries ?? [];
  const id = route.path[0] ?? entries[0]?.id;
  const entry = entries.find((each) => each.id === id);
  const schedule = route.parameters.get('schedule') ?? entry?.schedule;
  if (id === undefined) return <ChooseFinding />;
  return (
    <div className="finding">
      {entries.length > 1 && (
        <nav className="found" aria-label="Findings of the file">
          {entries.map((each) => (
            <a
              key={each.id}
              href={linkTo('finding', [each.id])}
              aria-current={each.id === id ? 'page' : undefined}
            >
              {each.id} <small>{each.property}</small>
            </a>
          ))}
        </nav>
      )}
      {entry !== undefined && entry.source === undefined ? (
        <StepsOnly entry={entry} />
      ) : (
        <FoundStory key={`${id} ${schedule}`} id={id} schedule={schedule} entry={entry} />
      )}
    </div>
  );
}

interface FoundStoryProps {
  readonly id: string;
  readonly schedule: string | undefined;
  readonly entry: FoundEntry | undefined;
}

function FoundStory({ id, schedule, entry }: FoundStoryProps) {
  const source = useMemo(() => entry?.source ?? ({ kind: 'zoo', id } as const), [entry, id]);
  const opened = useStory(source, schedule);
  if (opened !== undefined) return <StoryView opened={opened} />;
  return entry === undefined ? <div className="waiting" /> : <StepsOnly entry={entry} />;
}

/** Told by the worker, which runs the schedule again. */
function useStory(source: StorySource, schedule: string | undefined): OpenedStory | undefined {
  const [opened, setOpened] = useState<OpenedStory>();
  useEffect(() => {
    let isWanted = true;
    void store.attempt('Running the schedule', async () => {
      const story = await store.client.ask('story', { source, schedule });
      if (isWanted) setOpened(story);
    });
    return () => {
      isWanted = false;
    };
  }, [source, schedule]);
  return opened;
}

function ChooseFinding() {
  const zoo = useZoo();
  return (
    <Empty
      title="No finding is open"
      commands={['ptshare check C1 --json > c1.json && ptshare view c1.json']}
    >
      Open what <code>ptshare check --json</code> has printed, or see one of the known bugs:
      <ZooList zoo={zoo} />
    </Empty>
  );
}

function ZooList({ zoo }: { readonly zoo: readonly ZooItem[] }) {
  return (
    <span className="zoo-list">
      {zoo.map(({ id, aliases, title }) => (
        <a key={id} href={linkTo('finding', [id])}>
          <b>{id}</b> {title}{' '}
          <small>{aliases.filter((name) => name.startsWith('CVE')).join(', ')}</small>
        </a>
      ))}
    </span>
  );
}

export function useZoo(): readonly ZooItem[] {
  const [zoo, setZoo] = useState<readonly ZooItem[]>([]);
  useEffect(() => {
    void store.client.ask('zoo', null).then(setZoo, () => {});
  }, []);
  return zoo;
}
