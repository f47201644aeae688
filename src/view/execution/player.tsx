/** A trace that can be stepped through. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Picture } from '../../scene/picture.ts';
import type { EventLine } from '../../scene/scene.ts';
import type { Timeline } from '../../scene/timeline.ts';
import type { OpenedExecution } from '../protocol.ts';
import { store } from '../store.ts';
import { isTyping } from '../ui/is_typing.ts';
import { useLatest } from '../ui/latest.ts';
import { EventList } from './event_list.tsx';
import { Machine } from './machine.tsx';
import { Search } from './search.tsx';
import { TimelinePanel } from './timeline_panel.tsx';

export interface Jump {
  readonly label: string;
  readonly event: number;
  readonly key: string;
}

interface PlayerProps {
  readonly execution: OpenedExecution;
  readonly begin: number;
  /** Told where the cursor has come to rest. */
  readonly onSettle?: (event: number) => void;
  readonly jumps?: readonly Jump[];
}

interface Shown {
  readonly picture: Picture;
  readonly lines: readonly EventLine[];
}

const NO_LINES: readonly EventLine[] = [];
/** Events in words, around the cursor. */
const LINES = 60;
const SETTLE_MS = 250;

export function Player({ execution, begin, onSettle, jumps = [] }: PlayerProps) {
  const { id, timeline } = execution;
  const [cursor, setCursor] = useCursor(begin);
  const go = useCallback(
    (event: number) => setCursor(Math.min(Math.max(event, 0), timeline.events - 1)),
    [timeline, setCursor],
  );
  const latest = useRef(cursor);
  latest.current = cursor;
  useKeys(timeline, cursor, go, jumps);
  useSettled(cursor, onSettle);
  const ask = useCallback(
    async (event: number): Promise<Shown> => {
      const first = Math.max(0, event - LINES / 2);
      const [picture, lines] = await Promise.all([
        store.client.picture(id, event),
        store.client.ask('lines', { id, first, count: LINES }),
      ]);
      return { picture, lines };
    },
    [id],
  );
  const shown = useLatest(cursor, ask);
  return (
    <div className="player">
      <div className="controls">
        <span className="choice">
          <Button label="|«" title="First event (Home)" onClick={() => go(0)} />
          <Button
            label="«"
            title="Step before (Shift ←)"
            onClick={() => go(stepFrom(timeline, cursor, -1))}
          />
          <Button label="‹" title="Event before (←)" onClick={() => go(cursor - 1)} />
          <Button label="›" title="Next event (→)" onClick={() => go(cursor + 1)} />
          <Button
            label="»"
            title="Next step (Shift →)"
            onClick={() => go(stepFrom(timeline, cursor, 1))}
          />
          <Button label="»|" title="Last event (End)" onClick={() => go(timeline.events - 1)} />
        </span>
        {jumps.map(({ label, event, key }) => (
          <button
            key={key}
            type="button"
            onClick={() => go(event)}
            title={`${label} (${key.toUpperCase()})`}
          >
            {label}
          </button>
        ))}
        <span className="position" role="status">
          event <b>{cursor + 1}</b> of {timeline.events} ·{' '}
          {timeline.clock === 'steps' ? 'step' : 'ns'} {timeline.times[cursor]}
        </span>
        <Search id={id} cursor={latest} onFound={go} />
      </div>
      <TimelinePanel timeline={timeline} cursor={cursor} onCursor={go} />
      <div className="below">
        <EventList lines={shown?.lines ?? NO_LINES} cursor={inWords(shown, cursor)} onCursor={go} />
        {shown !== undefined && (
          <Machine picture={shown.picture} format={timeline.format} onEvent={go} />
        )}
      </div>
    </div>
  );
}

/** The cursor, or where it was when what is shown was asked for: nothing is drawn twice a frame. */
function inWords(shown: Shown | undefined, cursor: number): number {
  if (shown === undefined || shown.lines.some(({ event }) => event === cursor)) return cursor;
  return shown.picture.event;
}

interface ButtonProps {
  readonly label: string;
  readonly title: string;
  readonly onClick: () => void;
}

function Button({ label, title, onClick }: ButtonProps) {
  return (
    <button type="button" aria-label={title} title={title} onClick={onClick}>
      {label}
    </button>
  );
}

/** The first event of the next step, or of this one or the one before. */
function stepFrom({ times, events }: Timeline, cursor: number, by: 1 | -1): number {
  let at = cursor;
  if (by === 1) {
    while (at < events && times[at] === times[cursor]) at++;
    return at;
  }
  at--;
  while (at > 0 && times[at - 1] === times[at]) at--;
  return at;
}

/** Goes where `begin` says, which may be far in a trace that is still read, unless moved meanwhile. */
function useCursor(begin: number): readonly [number, (event: number) => void] {
  const [cursor, setCursor] = useState(begin);
  const before = useRef(begin);
  useEffect(() => {
    const last = before.current;
    before.current = begin;
    setCursor((now) => (now === last ? begin : now));
  }, [begin]);
  return [cursor, setCursor];
}

function useKeys(
  timeline: Timeline,
  cursor: number,
  go: (event: number) => void,
  jumps: readonly Jump[],
): void {
  const targets = useMemo(() => new Map(jumps.map(({ key, event }) => [key, event])), [jumps]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const target = targetOf(event, timeline, cursor) ?? targets.get(event.key.toLowerCase());
      if (target === undefined) return;
      event.preventDefault();
      go(target);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [timeline, cursor, go, targets]);
}

function targetOf(
  { key, shiftKey }: KeyboardEvent,
  timeline: Timeline,
  cursor: number,
): number | undefined {
  switch (key) {
    case 'ArrowRight':
      return shiftKey ? stepFrom(timeline, cursor, 1) : cursor + 1;
    case 'ArrowLeft':
      return shiftKey ? stepFrom(timeline, cursor, -1) : cursor - 1;
    case 'Home':
      return 0;
    case 'End':
      return timeline.events - 1;
    default:
      return undefined;
  }
}

function useSettled(cursor: number, onSettle: ((event: number) => void) | undefined): void {
  const latest = useRef(onSettle);
  latest.current = onSettle;
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    const timer = setTimeout(() => latest.current?.(cursor), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [cursor]);
}
