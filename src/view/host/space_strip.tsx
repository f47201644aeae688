/** The strip: mappings above, the tables below them, and what is under the pointer in words. */
import { useCallback, useMemo, useState } from 'react';
import { formatBytes } from '../../report/quantity.ts';
import type { Strip } from '../../scene/strip.ts';
import { Canvas, type Surface } from '../ui/canvas.tsx';
import { useViewport } from '../ui/viewport.ts';
import { drawStrip, mappingAt, runAt } from './draw_strip.ts';
import { type Axis, axisOf, segmentAt } from './strip_axis.ts';

const HEIGHT = 150;

export function SpaceStrip({ strip }: { readonly strip: Strip }) {
  const axis = useMemo(() => axisOf(strip), [strip]);
  const whole = useMemo(() => ({ from: 0, to: axis.length }), [axis]);
  const { span, onKeyDown, onPointerDown, wheelOn } = useViewport(whole, Math.min(2, axis.length));
  const [cursor, setCursor] = useState(0.5);
  const at = span.from + (span.to - span.from) * cursor;
  const draw = useCallback(
    (surface: Surface) => drawStrip(surface, strip, axis, span, at),
    [strip, axis, span, at],
  );
  return (
    <div className="strip">
      <div
        ref={wheelOn}
        className="surface"
        role="slider"
        tabIndex={0}
        aria-label={`Address space of ${strip.comm}: W and S zoom, A and D pan, arrows move the cursor`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(cursor * 100)}
        aria-valuetext={textAt(strip, axis, at)}
        onPointerDown={onPointerDown}
        onPointerMove={({ currentTarget, clientX }) => {
          const bounds = currentTarget.getBoundingClientRect();
          setCursor(Math.min(Math.max((clientX - bounds.left) / bounds.width, 0), 0.9999));
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
            event.preventDefault();
            const step = event.key === 'ArrowLeft' ? -0.01 : 0.01;
            setCursor(Math.min(Math.max(cursor + step, 0), 0.9999));
          } else onKeyDown(event);
        }}
      >
        <Canvas height={HEIGHT} draw={draw} />
      </div>
      <p className="readout">{textAt(strip, axis, at)}</p>
    </div>
  );
}

function textAt(strip: Strip, axis: Axis, at: number): string {
  const found = runAt(strip, axis, at);
  if (found === undefined) return gapText(strip, axis, at);
  const { runs, kinds, pageBytes, slotPages } = strip;
  const { run, slot } = found;
  const mapping = mappingAt(strip, run);
  const address = (slot * slotPages * pageBytes).toString(16);
  const tables = runs.count[run]!;
  const repeated = runs.repeated[run]!;
  const pages = runs.pages[run]!;
  return [
    `0x${address}`,
    mapping.name,
    mapping.rights,
    `${tables} × ${kinds[runs.kind[run]!]}`,
    `${pages} pages of ${tables * slotPages} (${formatBytes(pages * pageBytes)})`,
    ...(repeated > 0 ? [`${repeated} of the tables exist elsewhere entry for entry`] : []),
  ].join('  ·  ');
}

/** What was left out of the axis. */
function gapText({ slotPages, pageBytes }: Strip, axis: Axis, at: number): string {
  const before = segmentAt(axis, at);
  const after = axis.segments.find((segment) => segment.at > at);
  if (before === undefined || after === undefined) return 'no table here';
  const from = (before.slot + before.count) * slotPages * pageBytes;
  const bytes = after.slot * slotPages * pageBytes - from;
  return `0x${from.toString(16)}  ·  no table for ${formatBytes(bytes)}`;
}
