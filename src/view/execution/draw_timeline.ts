/** Draws what a window shows of a timeline: never more than a few things per pixel. */
import { LOOKS, type Look, type Marks, type Slices, type Timeline } from '../../scene/timeline.ts';
import type { Surface } from '../ui/canvas.tsx';
import type { Span } from '../ui/viewport.ts';
import { type Lane, type Lanes, lowerBound, MARKS, ROW } from './lanes.ts';

/** Custom property of the style sheet for each look. */
const COLORS: Readonly<Record<Look, string>> = {
  operation: 'operation',
  fault: 'fault',
  wait: 'wait',
  lock: 'lock',
  shared: 'shared-lock',
  entry: 'entry',
  table: 'huge',
  frame: 'frame',
  flush: 'flush',
  ledger: 'ledger',
  note: 'soft',
  violation: 'bad',
  rcu: 'fault',
};
/** Look of slices on which dark letters can be read. */
const PALE: ReadonlySet<Look> = new Set(['wait', 'shared']);
const ARROWS_MAX = 400;

export interface TimelineWindow {
  readonly timeline: Timeline;
  readonly lanes: Lanes;
  readonly span: Span;
  /** What is scrolled away above. */
  readonly top: number;
  readonly visible: number;
}

type XOf = (event: number) => number;

export function drawTimeline(surface: Surface, window: TimelineWindow): void {
  const { context, width, height, color } = surface;
  const { timeline, lanes, span, top, visible } = window;
  const scale = width / (span.to - span.from);
  const xOf = (event: number): number => (event - span.from) * scale;
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  for (const lane of lanes.lanes) {
    if (lane.top + lane.height < top || lane.top > top + visible) continue;
    drawLane(surface, lane, timeline, span, xOf);
  }
  drawArrows(surface, window, xOf);
  if (timeline.violation >= 0) {
    context.fillStyle = color('bad');
    context.globalAlpha = 0.75;
    context.fillRect(xOf(timeline.violation + 0.5) - 1, 0, 2, height);
    context.globalAlpha = 1;
  }
}

function drawLane(
  surface: Surface,
  { track, top, height }: Lane,
  timeline: Timeline,
  span: Span,
  xOf: XOf,
): void {
  const { context, width, color } = surface;
  context.fillStyle = color('well');
  context.fillRect(0, top, width, height);
  track.rows.forEach((row, depth) => {
    drawRow(surface, row, top + depth * ROW, timeline, span, xOf);
  });
  if (track.marks.event.length > 0) {
    drawMarks(surface, track.marks, top + height - MARKS, span, xOf);
  }
}

function drawRow(
  surface: Surface,
  { start, end, label, look }: Slices,
  top: number,
  { labels }: Timeline,
  span: Span,
  xOf: XOf,
): void {
  const { context, width, color } = surface;
  const perPixel = (span.to - span.from) / width;
  for (let at = lowerBound(end, span.from); at < start.length && start[at]! <= span.to; ) {
    const x = Math.max(xOf(start[at]!), -2);
    const right = Math.min(xOf(end[at]! + 1), width + 2);
    const name = LOOKS[look[at]!]!;
    context.fillStyle = color(COLORS[name]);
    context.fillRect(x, top + 1, Math.max(right - x - 1, 1), ROW - 2);
    if (right - x > 34) {
      context.fillStyle = color(PALE.has(name) ? 'ink' : 'on-color');
      drawText(context, labels[label[at]!]!, x + 4, top + ROW / 2, right - x - 8);
    }
    const isNarrow = right - x < 1;
    at = isNarrow ? Math.max(at + 1, lowerBound(end, end[at]! + perPixel)) : at + 1;
  }
}

function drawText(
  context: OffscreenCanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  room: number,
): void {
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > room) {
    shown = `${shown.slice(0, Math.max(1, Math.floor(shown.length * 0.8)))}`;
  }
  context.fillText(shown.length < text.length ? `${shown}…` : shown, x, y);
}

function drawMarks(
  { context, width, color }: Surface,
  { event, look }: Marks,
  top: number,
  span: Span,
  xOf: XOf,
): void {
  const perPixel = (span.to - span.from) / width;
  const size = Math.min(Math.max(1 / perPixel - 1, 1), 7);
  for (let at = lowerBound(event, span.from); at < event.length && event[at]! <= span.to; ) {
    const name = LOOKS[look[at]!]!;
    context.fillStyle = color(COLORS[name]);
    const x = xOf(event[at]!);
    context.fillRect(x, top + 1, size, MARKS - 2);
    at = perPixel > 1 ? Math.max(at + 1, lowerBound(event, event[at]! + perPixel)) : at + 1;
  }
}

function drawArrows(surface: Surface, { timeline, lanes, span }: TimelineWindow, xOf: XOf): void {
  const { context, color } = surface;
  const { from, fromTrack, to, toTrack, kind } = timeline.arrows;
  // They are in the order of their ends.
  const first = lowerBound(to, span.from);
  const last = lowerBound(to, span.to + 1);
  if (last - first > ARROWS_MAX) return;
  context.lineWidth = 1.4;
  for (let at = first; at < last; at++) {
    const source = lanes.lanes[fromTrack[at]!];
    const target = lanes.lanes[toTrack[at]!];
    if (source === undefined || target === undefined) continue;
    const isBack = kind[at] === 1;
    context.strokeStyle = color(kind[at] === 2 ? 'fault' : 'flush');
    context.fillStyle = context.strokeStyle;
    context.setLineDash(isBack ? [4, 3] : []);
    const begin = { x: xOf(from[at]! + 0.5), y: source.top + source.height / 2 };
    const end = { x: xOf(to[at]! + 0.5), y: target.top + target.height / 2 };
    const bend = Math.max(Math.abs(end.x - begin.x) / 2, 8);
    context.beginPath();
    context.moveTo(begin.x, begin.y);
    context.bezierCurveTo(begin.x + bend, begin.y, end.x - bend, end.y, end.x, end.y);
    context.stroke();
    context.beginPath();
    context.moveTo(end.x + 1, end.y);
    context.lineTo(end.x - 6, end.y - 4);
    context.lineTo(end.x - 6, end.y + 4);
    context.fill();
  }
  context.setLineDash([]);
}
