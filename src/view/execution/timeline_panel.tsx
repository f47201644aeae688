/** The timeline: a lane for each CPU, who runs on it, and each lock. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Timeline } from '../../scene/timeline.ts';
import { Canvas, type Surface } from '../ui/canvas.tsx';
import { useViewport } from '../ui/viewport.ts';
import { drawRuler } from './draw_ruler.ts';
import { drawTimeline } from './draw_timeline.ts';
import { lanesOf } from './lanes.ts';

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
  const lanes = useMemo(() => lanesOf(timeline), [timeline]);
  const whole = useMemo(() => ({ from: 0, to: Math.max(timeline.events, LEAST) }), [timeline]);
  const { span, reveal, onKeyDown, onPointerDown, wheelOn } = useViewport(whole, LEAST);
  const [top, setTop] = useState(0);
  const pressed = useRef({ x: 0 });
  useEffect(() => reveal(cursor), [reveal, cursor]);
  const visible = Math.min(lanes.height, HEIGHT_MAX);
  const draw = useCallback(
    (surface: Surface) =>
      drawTimeline(surface, { timeline, lanes, span, cursor, top, visible: HEIGHT_MAX }),
    [timeline, lanes, span, cursor, top],
  );
  const rule = useCallback(
    (surface: Surface) => drawRuler(surface, timeline, span, cursor),
    [timeline, span, cursor],
  );
  const goTo = (element: Element, clientX: number): void => {
    const { left, width } = element.getBoundingClientRect();
    const part = Math.min(Math.max((clientX - left) / width, 0), 1);
    const event = Math.floor(span.from + (span.to - span.from) * part);
    onCursor(Math.min(event, timeline.events - 1));
  };
  return (
    <div className="timeline">
      <div className="ruler-name">
        <span>open obligations</span>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the slider below does it by keyboard. */}
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
        <Canvas height={RULER_HEIGHT} draw={rule} />
      </div>
      <section
        className="lanes"
        style={{ height: visible }}
        onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
        aria-label="Tracks"
      >
        <div className="lane-names" style={{ height: lanes.height }}>
          {lanes.lanes.map(({ track, top: at, height }) => (
            <span
              key={`${track.group} ${track.name} ${at}`}
              className={track.group}
              style={{ top: at, height }}
              title={track.name}
            >
              {track.name}
            </span>
          ))}
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: no element of HTML is a timeline. */}
        <div
          ref={wheelOn}
          className="surface"
          role="slider"
          tabIndex={0}
          aria-label="Timeline: arrows step, W and S zoom, A and D pan, 0 shows all"
          aria-valuemin={0}
          aria-valuemax={timeline.events - 1}
          aria-valuenow={cursor}
          aria-valuetext={`event ${cursor} of ${timeline.events}`}
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
        </div>
      </section>
      {timeline.locksLeftOut > 0 && (
        <p className="hint">{timeline.locksLeftOut} locks that are used less are not drawn.</p>
      )}
    </div>
  );
}
