/**
 * Where frames are drawn, below the tables that lead to them, and the TLBs below those: with an arrow
 * for each translation that may be used though the tables say otherwise by now.
 */
import type { Picture, PictureStale } from '../../scene/picture.ts';
import {
  BOX_HEIGHT,
  BOX_WIDTH,
  LEVEL_HEIGHT,
  type PlacedTable,
  type Point,
} from './tree_layout.ts';

export const FRAME_WIDTH = 66;
export const FRAME_HEIGHT = 30;
export const TLB_WIDTH = 84;
const GAP = 8;
const TLB_GAP = 62;
/** More would hide each other. */
const FRAMES_MAX = 16;

export interface PlacedFrame {
  readonly frame: number;
  readonly mapped: number;
  readonly isFree: boolean;
  readonly isTouched: boolean;
  readonly x: number;
  readonly y: number;
}

export interface PlacedTlb extends Point {
  readonly cpu: number;
}

export interface FrameLink {
  readonly key: string;
  readonly from: Point;
  readonly to: Point;
  readonly look: 'leaf' | 'writable' | 'stale';
}

export interface FrameLayout {
  readonly frames: readonly PlacedFrame[];
  readonly tlbs: readonly PlacedTlb[];
  readonly links: readonly FrameLink[];
  readonly right: number;
  readonly bottom: number;
}

interface Leaf {
  readonly key: string;
  readonly from: Point;
  readonly target: number;
  readonly isWritable: boolean;
}

export function layOutFrames(
  picture: Picture,
  tables: ReadonlyMap<number, PlacedTable>,
  top: number,
): FrameLayout {
  const leaves = leavesOf(tables);
  const frames = placeFrames(picture, leaves, top);
  const at = new Map(frames.map((frame) => [frame.frame, frame]));
  const tlbTop = top + (frames.length > 0 ? FRAME_HEIGHT + TLB_GAP : 0);
  const tlbs = placeTlbs(picture.stale, tlbTop);
  const leafLinks = leaves.flatMap(({ key, from, target, isWritable }) => {
    const to = at.get(target);
    const look = isWritable ? ('writable' as const) : ('leaf' as const);
    return to === undefined ? [] : [{ key, from, to: topOf(to), look }];
  });
  const bottom =
    tlbs.length > 0 ? tlbTop + FRAME_HEIGHT : frames.length > 0 ? top + FRAME_HEIGHT : 0;
  return {
    frames,
    tlbs,
    links: [...leafLinks, ...staleLinks(picture.stale, at, tables, tlbs)],
    right: Math.max(0, ...[...frames, ...tlbs].map(({ x }) => x + TLB_WIDTH)),
    bottom,
  };
}

function leavesOf(tables: ReadonlyMap<number, PlacedTable>): Leaf[] {
  return [...tables.values()].flatMap(({ table, x, y }) =>
    table.entries
      .filter(({ kind }) => kind === 'leaf')
      .map(({ index, target, isWritable }) => ({
        key: `${table.id} ${index}`,
        from: { x: x + 4 + ((index + 0.5) / table.size) * (BOX_WIDTH - 8), y: y + BOX_HEIGHT },
        target,
        isWritable,
      })),
  );
}

/** Frames that something has happened to or that are stale somewhere, then others while there is room. */
function placeFrames(
  { frames, stale }: Picture,
  leaves: readonly Leaf[],
  top: number,
): PlacedFrame[] {
  const known = new Map(frames.map((frame) => [frame.frame, frame]));
  const stalely = stale.filter(({ target }) => target === 'frame').map(({ id }) => id);
  const touched = frames.filter(({ isTouched }) => isTouched).map(({ frame }) => frame);
  const targets = [...new Set(leaves.map(({ target }) => target))];
  const others = targets.length > FRAMES_MAX ? [] : targets;
  const wanted = [...new Set([...stalely, ...touched, ...others])];
  let free = GAP;
  return wanted
    .slice(0, FRAMES_MAX)
    .map((frame) => ({ frame, x: leaves.find(({ target }) => target === frame)?.from.x ?? free }))
    .sort((one, other) => one.x - other.x)
    .map(({ frame, x }) => {
      const place = Math.max(free, x - FRAME_WIDTH / 2);
      free = place + FRAME_WIDTH + GAP;
      const { mapped = 0, isFree = false, isTouched = false } = known.get(frame) ?? {};
      return { frame, mapped, isFree, isTouched, x: place, y: top };
    });
}

function placeTlbs(stale: readonly PictureStale[], top: number): PlacedTlb[] {
  const cpus = [...new Set(stale.map(({ cpu }) => cpu))].sort((one, other) => one - other);
  return cpus.map((cpu, at) => ({ cpu, x: GAP + at * (TLB_WIDTH + 3 * GAP), y: top }));
}

function staleLinks(
  stale: readonly PictureStale[],
  frames: ReadonlyMap<number, PlacedFrame>,
  tables: ReadonlyMap<number, PlacedTable>,
  tlbs: readonly PlacedTlb[],
): FrameLink[] {
  return stale.flatMap(({ cpu, target, id, since }) => {
    const tlb = tlbs.find((each) => each.cpu === cpu);
    const frame = target === 'frame' ? frames.get(id) : undefined;
    const table = target === 'table' ? tables.get(id) : undefined;
    if (tlb === undefined || (frame === undefined && table === undefined)) return [];
    const to =
      frame === undefined
        ? { x: table!.x + BOX_WIDTH, y: table!.y + BOX_HEIGHT / 2 }
        : { x: frame.x + FRAME_WIDTH / 2, y: frame.y + FRAME_HEIGHT };
    const from = { x: tlb.x + TLB_WIDTH / 2, y: tlb.y };
    return [{ key: `${cpu} ${since} ${id}`, from, to, look: 'stale' as const }];
  });
}

function topOf({ x, y }: PlacedFrame): Point {
  return { x: x + FRAME_WIDTH / 2, y };
}

/** Where frames begin, below tables of all levels. */
export function frameTop(levels: number, margin: number): number {
  return margin + levels * LEVEL_HEIGHT;
}
