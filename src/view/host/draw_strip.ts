/** Draws an address space: its mappings, and how full each of its tables is. */
import type { Strip, StripMapping } from '../../scene/strip.ts';
import type { Surface } from '../ui/canvas.tsx';
import type { Span } from '../ui/viewport.ts';
import { type Axis, segmentAt } from './strip_axis.ts';

const AXIS = 18;
const NAMES = 24;
const HUGE_KINDS: ReadonlySet<number> = new Set([3, 4, 5, 7]);

export function drawStrip(
  surface: Surface,
  strip: Strip,
  axis: Axis,
  span: Span,
  cursor: number,
): void {
  const { context, width, height, color } = surface;
  const scale = width / (span.to - span.from);
  const xOf = (at: number): number => (at - span.from) * scale;
  drawAddresses(surface, strip, axis, span, xOf);
  drawRuns(surface, strip, axis, span, xOf);
  context.fillStyle = color('accent');
  context.fillRect(xOf(cursor) - 0.5, 0, 1, height);
}

function drawAddresses(
  { context, width, color, height }: Surface,
  { slotPages, pageBytes }: Strip,
  { segments }: Axis,
  span: Span,
  xOf: (at: number) => number,
): void {
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  let free = 0;
  for (const { at, slot, count } of segments) {
    if (at + count < span.from || at > span.to) continue;
    const x = xOf(at);
    context.fillStyle = color('line');
    context.fillRect(x, AXIS, 1, height - AXIS);
    const text = `0x${(slot * slotPages * pageBytes).toString(16)}`;
    const textWidth = context.measureText(text).width;
    const left = Math.max(x, 0);
    if (left < free || left + textWidth > width) continue;
    context.fillStyle = color('soft');
    context.fillText(text, left + 2, AXIS / 2);
    free = left + textWidth + 14;
  }
}

function drawRuns(
  surface: Surface,
  strip: Strip,
  axis: Axis,
  span: Span,
  xOf: (at: number) => number,
): void {
  const { context, height, color } = surface;
  const { runs, slotPages } = strip;
  const top = AXIS + NAMES;
  const full = height - top;
  let lastMapping = -1;
  let nameEnd = 0;
  for (let run = 0; run < runs.length; run++) {
    const at = placeOf(axis, runs.slot[run]!);
    const end = at + runs.count[run]!;
    if (end < span.from) continue;
    if (at > span.to) break;
    const [x, right] = [xOf(at), Math.max(xOf(end), xOf(at) + 0.6)];
    const share = runs.pages[run]! / (runs.count[run]! * slotPages);
    const kind = runs.kind[run]!;
    const isEmpty = kind === 2 || kind === 6;
    context.fillStyle = color('well');
    context.fillRect(x, top, right - x, full);
    const high = isEmpty ? 4 : Math.max(Math.min(share, 1) * full, 3);
    context.fillStyle = color(HUGE_KINDS.has(kind) ? 'huge' : isEmpty ? 'other' : 'once');
    context.fillRect(x, height - high, right - x, high);
    if (runs.repeated[run]! > 0) {
      const part = (runs.repeated[run]! / runs.count[run]!) * (right - x);
      context.fillStyle = color('repeated');
      context.fillRect(x, height - high, part, high);
    }
    drawTableEdges(surface, at, end, top, xOf);
    if (runs.mapping[run] === lastMapping) continue;
    lastMapping = runs.mapping[run]!;
    nameEnd = drawName(surface, mappingAt(strip, run), Math.max(x, 0), nameEnd);
  }
}

/** Each table for itself, once they are wide enough. */
function drawTableEdges(
  { context, width, height, color }: Surface,
  at: number,
  end: number,
  top: number,
  xOf: (at: number) => number,
): void {
  if (xOf(1) - xOf(0) < 5) return;
  context.fillStyle = color('panel');
  for (let table = at; table <= end; table++) {
    const x = xOf(table);
    if (x >= 0 && x <= width) context.fillRect(x - 0.5, top, 1, height - top);
  }
}

/** @returns where the next name may begin */
function drawName(
  { context, width, color }: Surface,
  { name, rights }: StripMapping,
  x: number,
  free: number,
): number {
  const short = name.split('/').at(-1)!.slice(0, 40);
  const text = `${short} ${rights}`;
  const textWidth = context.measureText(text).width;
  if (x < free || x + textWidth > width) return free;
  context.fillStyle = color('ink');
  context.fillText(text, x + 2, AXIS + NAMES / 2);
  return x + textWidth + 10;
}

/** Where a slot is on the axis. */
function placeOf({ segments }: Axis, slot: number): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (segments[middle]!.slot <= slot) low = middle + 1;
    else high = middle;
  }
  const segment = segments[low - 1];
  return segment === undefined ? 0 : segment.at + slot - segment.slot;
}

export function mappingAt({ runs, mappings }: Strip, run: number): StripMapping {
  return mappings[runs.mapping[run]!] ?? { start: 0, end: 0, name: 'unknown', rights: '----' };
}

/** The run at a place of the axis. */
export function runAt(
  { runs }: Strip,
  axis: Axis,
  at: number,
): { readonly run: number; readonly slot: number } | undefined {
  const segment = segmentAt(axis, at);
  if (segment === undefined || at >= segment.at + segment.count) return undefined;
  const slot = segment.slot + Math.floor(at - segment.at);
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (runs.slot[middle]! <= slot) low = middle + 1;
    else high = middle;
  }
  const run = low - 1;
  if (run < 0 || slot >= runs.slot[run]! + runs.count[run]!) return undefined;
  return { run, slot };
}
