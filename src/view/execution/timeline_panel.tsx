/** The timeline: a lane for each CPU, who runs on it, and each lock. */
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Timeline } from '../../scene/timeline.ts';
import { Canvas, type Surface, useWidth } from '../ui/canvas.tsx';
import { type Span, useViewport, type Viewport } from '../ui/viewport.ts';
import { drawRuler } from './draw_ruler.ts';
import { drawTimeline } from './draw_timeline.ts';
import { type Lanes, lanesOf } from './lanes.ts';

const RULER_HEIGHT = 34;
const LEAST = 12;
const HEIGHT_MAX = 330;
/** Below this, a pointer that moved has dragged. */
const CLICK_PIXELS = 4;

interface TimelinePanelProps {
  readonly timeline: Timeline;
  readonly cursor: number;
  readonly onCursor: (event: number) => void;
}

export function TimelinePanel({ timeline, cursor, onCursor }: TimelinePanelProps) {
  const whole = useMemo(() => ({ from: 0, to: Math.max(timeline.events, LEAST) }), [timeline]);
  const viewport = useViewport(whole, LEAST);
  const { span, reveal } = viewport;
  useEffect(() => reveal(cursor), [reveal, cursor]);
  const goTo = (element: Element, clientX: number): void => {
    const { left, width } = element.getBoundingClientRect();
    const part = Math.min(Math.max((clientX - left) / width, 0), 1);
    const event = Math.floor(span.from + (span.to - span.from) * part);
    onCursor(Math.min(event, timeline.events - 1));
  };
  const shown = { timeline, cursor, viewport, goTo };
  return (
    <div className="timeline">
      <div className="ruler-name">
        <span>open obligations</span>
      </div>
      <Ruler {...shown} />
      <Tracks {...shown} />
      {timeline.locksLeftOut > 0 && (
        <p className="hint">{timeline.locksLeftOut} locks that are used less are not drawn.</p>
      )}
    </div>
  );
}

interface PartProps {
  readonly timeline: Timeline;
  readonly cursor: number;
  readonly viewport: Viewport;
  readonly goTo: (element: Element, clientX: number) => void;
}

function Ruler({ timeline, cursor, viewport: { span }, goTo }: PartProps) {
  const draw = useCallback(
    (surface: Surface) => drawRuler(surface, timeline, span),
    [timeline, span],
  );
  return (
    <div
      className="ruler"
      onPointerDown={({ currentTarget, clientX, pointerId }) => {
        currentTarget.setPointerCapture(pointerId);
        goTo(currentTarget, clientX);
      }}
      onPointerMove={({ currentTarget, clientX, buttons }) => {
        if (buttons === 1) goTo(currentTarget, clientX);
      }}
    >
      <Canvas height={RULER_HEIGHT} draw={draw} />
      <CursorBar cursor={cursor} span={span} />
    </div>
  );
}

function Tracks({ timeline, cursor, viewport, goTo }: PartProps) {
  const { span, onKeyDown, onPointerDown, wheelOn } = viewport;
  const lanes = useMemo(() => lanesOf(timeline), [timeline]);
  const [top, setTop] = useState(0);
  const pressed = useRef({ x: 0 });
  const draw = useCallback(
    (surface: Surface) =>
      drawTimeline(surface, { timeline, lanes, span, top, visible: HEIGHT_MAX }),
    [timeline, lanes, span, top],
  );
  return (
    <section
      className="lanes"
      style={{ height: Math.min(lanes.height, HEIGHT_MAX) }}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      aria-label="Tracks"
    >
      <LaneNames lanes={lanes} />
      <div
        ref={wheelOn}
        className="surface"
        role="slider"
        tabIndex={0}
        aria-label="Timeline: arrows step, W and S zoom, A and D pan, 0 shows all"
        aria-valuemin={0}
        aria-valuemax={timeline.events - 1}
        aria-valuenow={cursor}
        aria-valuetext={`event ${cursor + 1} of ${timeline.events}`}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          pressed.current.x = event.clientX;
          onPointerDown(event);
        }}
        onPointerUp={({ currentTarget, clientX }) => {
          if (Math.abs(clientX - pressed.current.x) < CLICK_PIXELS) goTo(currentTarget, clientX);
        }}
      >
        <Canvas height={lanes.height} draw={draw} />
        <CursorBar cursor={cursor} span={span} />
      </div>
    </section>
  );
}

interface CursorBarProps {
  readonly cursor: number;
  readonly span: Span;
}

/** In a layer above the canvas: where it goes, nothing is laid out or painted anew. */
function CursorBar({ cursor, span: { from, to } }: CursorBarProps) {
  const place = useRef<HTMLDivElement>(null);
  const scale = useWidth(place) / (to - from);
  const left = Math.round((cursor - from) * scale);
  const width = Math.max(Math.round((cursor + 1 - from) * scale) - left, 1);
  return (
    <div ref={place} className="cursor-place">
      <i className="cursor-bar" style={{ transform: `translateX(${left}px)`, width }} />
    </div>
  );
}

const LaneNames = memo(({ lanes: { lanes, height } }: { readonly lanes: Lanes }) => {
  return (
    <div className="lane-names" style={{ height }}>
      {lanes.map(({ track, top, height: high }) => (
        <span
          key={`${track.group} ${track.name} ${top}`}
          className={track.group}
          style={{ top, height: high }}
          title={track.name}
        >
          {track.name}
        </span>
      ))}
    </div>
  );
});
