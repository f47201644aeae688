/** A counterexample, and how the same turns go without the mistake. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Picture } from '../../scene/picture.ts';
import type { Story } from '../../scene/story.ts';
import { Machine } from '../execution/machine.tsx';
import type { OpenedExecution, OpenedStory } from '../protocol.ts';
import { goTo, linkTo } from '../route.ts';
import { store } from '../store.ts';
import { isTyping } from '../ui/is_typing.ts';
import { useLatest } from '../ui/latest.ts';
import { nextShown, type Row, rowsOf } from './rows.ts';
import { RunSteps } from './run_steps.tsx';

type Side = 'broken' | 'fixed';

interface Place {
  readonly side: Side;
  readonly at: number;
}

export function StoryView({ opened }: { readonly opened: OpenedStory }) {
  const { story, broken, fixed } = opened;
  const [place, setPlace] = useState<Place>({ side: 'broken', at: 0 });
  const folds = useFolds();
  const rows = useMemo(
    () => ({
      broken: rowsOf(story.broken, folds.unfolded),
      fixed: story.fixed === undefined ? [] : rowsOf(story.fixed, folds.unfolded),
    }),
    [story, folds.unfolded],
  );
  const go = useCallback(
    (side: Side, at: number) => {
      const { steps } = story[side] ?? story.broken;
      setPlace({ side, at: Math.min(Math.max(at, 0), steps.length - 1) });
    },
    [story],
  );
  useStoryKeys(story, place, rows, go, folds.toggleAll);
  const execution = place.side === 'fixed' ? (fixed ?? broken) : broken;
  const titles = { broken: 'With the mistake', fixed: 'Without it' } as const;
  const sides = story.fixed === undefined ? (['broken'] as const) : (['broken', 'fixed'] as const);
  return (
    <div className="story">
      <Telling story={story} />
      <Controls
        place={place}
        story={story}
        rows={rows}
        go={go}
        folds={folds}
        execution={execution}
      />
      <div className={sides.length === 1 ? 'story-body alone' : 'story-body'}>
        {sides.map((side) => (
          <RunSteps
            key={side}
            title={titles[side]}
            run={story[side]!}
            rows={rows[side]}
            at={place.side === side ? place.at : otherStep(story, place)}
            isActive={place.side === side}
            onStep={(at) => go(side, at)}
            onUnfold={folds.unfold}
          />
        ))}
        <StoryMachine story={story} place={place} execution={execution} go={go} />
      </div>
    </div>
  );
}

interface Folds {
  readonly unfolded: ReadonlySet<number> | 'all';
  readonly unfold: (first: number) => void;
  readonly toggleAll: () => void;
}

function useFolds(): Folds {
  const [unfolded, setUnfolded] = useState<ReadonlySet<number> | 'all'>(new Set<number>());
  const unfold = useCallback(
    (first: number) =>
      setUnfolded((before) => (before === 'all' ? before : new Set([...before, first]))),
    [],
  );
  const toggleAll = useCallback(
    () => setUnfolded((before) => (before === 'all' ? new Set<number>() : 'all')),
    [],
  );
  return { unfolded, unfold, toggleAll };
}

interface StoryMachineProps {
  readonly story: Story;
  readonly place: Place;
  readonly execution: OpenedExecution;
  readonly go: (side: Side, at: number) => void;
}

/** The machine behind the current step, and what that step was. */
function StoryMachine({ story, place, execution, go }: StoryMachineProps) {
  const run = story[place.side] ?? story.broken;
  const step = run.steps[place.at];
  const picture = usePicture(execution.id, Math.max(step?.event ?? 0, 0));
  const isViolated = run.property !== undefined && place.at === run.steps.length - 1;
  return (
    <div className="story-machine">
      <p className={isViolated ? 'moment violated' : 'moment'} role="status">
        {isViolated ? (
          <>
            <b>{run.property}</b> {story.meaning}
          </>
        ) : (
          <>
            step {place.at + 1} of {run.steps.length}: <b>{step?.actor}</b>, {step?.text}
            {step !== undefined && step.holds.length > 0 && (
              <small> · holds {step.holds.join(', ')}</small>
            )}
          </>
        )}
      </p>
      {picture !== undefined && (
        <Machine
          picture={picture}
          format={execution.timeline.format}
          onEvent={(event) => {
            const found = run.steps.findIndex((each) => each.event >= event);
            go(place.side, found < 0 ? run.steps.length - 1 : found);
          }}
        />
      )}
    </div>
  );
}

/** The step of the fixed run whose turn was taken last by then. */
function sameTurn({ fixed }: Story, at: number): number {
  return fixed?.steps.findLastIndex(({ turn }) => turn >= 0 && turn <= at) ?? -1;
}

function usePicture(id: number, event: number): Picture | undefined {
  const question = useMemo(() => ({ id, event }), [id, event]);
  const ask = useCallback(
    (asked: { readonly id: number; readonly event: number }) =>
      store.client.picture(asked.id, asked.event),
    [],
  );
  return useLatest(question, ask);
}

function Telling({ story }: { readonly story: Story }) {
  const { telling, property, meaning } = story;
  const facts = [
    telling.aliases.join(', '),
    telling.versions,
    telling.fix && `mended by ${telling.fix}`,
  ]
    .filter((fact) => fact !== undefined && fact !== '' && fact !== 'none')
    .join(' · ');
  return (
    <header className="telling">
      <h1>
        {telling.id} <span>{telling.title}</span>
      </h1>
      <p className="facts">
        <b className="property">{property}</b> {meaning} {facts !== '' && <small>{facts}</small>}
      </p>
      {telling.text !== '' && <p className="tale">{telling.text}</p>}
    </header>
  );
}

interface ControlsProps {
  readonly place: Place;
  readonly story: Story;
  readonly rows: Readonly<Record<Side, readonly Row[]>>;
  readonly go: (side: Side, at: number) => void;
  readonly folds: Folds;
  readonly execution: OpenedExecution;
}

function Controls({ place, story, rows, go, folds, execution }: ControlsProps) {
  const { side, at } = place;
  const event = Math.max((story[side] ?? story.broken).steps[at]?.event ?? 0, 0);
  const openExecution = (): void => {
    store.set({ execution });
    goTo(linkTo('execution', [], { at: String(event) }));
  };
  return (
    <div className="controls">
      <span className="choice">
        <button
          type="button"
          title="Step before (←)"
          aria-label="Step before"
          onClick={() => go(side, nextShown(rows[side], at, -1))}
        >
          ‹
        </button>
        <button
          type="button"
          title="Next step (→)"
          aria-label="Next step"
          onClick={() => go(side, nextShown(rows[side], at, 1))}
        >
          ›
        </button>
      </span>
      <button
        type="button"
        title="Violation (V)"
        onClick={() => go('broken', story.broken.steps.length - 1)}
      >
        Violation
      </button>
      {story.fixed !== undefined && (
        <button
          type="button"
          title="The other run (F)"
          aria-pressed={side === 'fixed'}
          onClick={() => go(side === 'fixed' ? 'broken' : 'fixed', otherStep(story, place))}
        >
          Fixed run
        </button>
      )}
      <button
        type="button"
        title="All steps (U)"
        aria-pressed={folds.unfolded === 'all'}
        onClick={folds.toggleAll}
      >
        All steps
      </button>
      <button type="button" onClick={openExecution}>
        Open in Execution
      </button>
      <code className="command">
        {story.telling.id.startsWith('This')
          ? ''
          : `ptshare check ${story.telling.id} --on --schedule "${story.schedule}"`}
      </code>
    </div>
  );
}

function otherStep(story: Story, { side, at }: Place): number {
  return side === 'broken' ? sameTurn(story, at) : (story.fixed?.steps[at]?.turn ?? at);
}

function useStoryKeys(
  story: Story,
  place: Place,
  rows: Readonly<Record<Side, readonly Row[]>>,
  go: (side: Side, at: number) => void,
  toggleAll: () => void,
): void {
  useEffect(() => {
    const { side, at } = place;
    const last = (story[side] ?? story.broken).steps.length - 1;
    const actOf = (key: string): (() => void) | undefined => {
      switch (key) {
        case 'ArrowRight':
        case 'ArrowLeft':
          return () => go(side, nextShown(rows[side], at, key === 'ArrowRight' ? 1 : -1));
        case 'Home':
        case 'End':
          return () => go(side, key === 'Home' ? 0 : last);
        case 'v':
          return () => go('broken', story.broken.steps.length - 1);
        case 'f':
          return () => go(side === 'fixed' ? 'broken' : 'fixed', otherStep(story, place));
        case 'u':
          return toggleAll;
        default:
          return undefined;
      }
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const isSingle = event.shiftKey && (event.key === 'ArrowRight' || event.key === 'ArrowLeft');
      const act = isSingle
        ? () => go(side, at + (event.key === 'ArrowRight' ? 1 : -1))
        : actOf(event.key);
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [story, place, rows, go, toggleAll]);
}
