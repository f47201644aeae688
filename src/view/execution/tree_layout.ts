/** Where tables are drawn: a row for each level, each table once, below the first that leads to it. */
import { hierarchy, tree } from 'd3-hierarchy';
import type { Picture, PictureTable } from '../../scene/picture.ts';
import { type FrameLayout, frameTop, layOutFrames } from './frame_layout.ts';

export const BOX_WIDTH = 92;
export const BOX_HEIGHT = 40;
const GAP_X = 14;
export const LEVEL_HEIGHT = 74;
const MARGIN = 10;
const WIDE = 1800;

export interface PlacedTable {
  readonly table: PictureTable;
  readonly x: number;
  readonly y: number;
}

/** From an entry to the table below it. */
export interface PlacedLink {
  readonly key: string;
  readonly from: Point;
  readonly to: Point;
  readonly isShared: boolean;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly tables: readonly PlacedTable[];
  readonly links: readonly PlacedLink[];
  readonly below: FrameLayout;
  readonly width: number;
  readonly height: number;
}

interface Datum {
  readonly table: PictureTable | undefined;
  readonly children: readonly Datum[];
}

export function layOutTables(picture: Picture): Layout {
  const { tables, levels } = picture;
  const byParent = childrenByParent(tables);
  const roots = tables.filter(({ id, links }) =>
    links.every(({ parent }) => parent < 0 || parent === id),
  );
  const datumOf = (table: PictureTable): Datum => ({
    table,
    children: (byParent.get(table.id) ?? []).map(datumOf),
  });
  const root = hierarchy<Datum>(
    { table: undefined, children: roots.map(datumOf) },
    ({ children }) => children,
  );
  const placed = tree<Datum>()
    .nodeSize([BOX_WIDTH + GAP_X, LEVEL_HEIGHT])
    .separation(() => 1)(root)
    .descendants()
    .filter(({ data }) => data.table !== undefined);
  alignWide(placed);
  const left = Math.min(0, ...placed.map(({ x }) => x)) - MARGIN;
  const at = new Map<number, PlacedTable>(
    placed.map(({ data, x }) => {
      const table = data.table!;
      return [
        table.id,
        { table, x: x - left, y: MARGIN + (levels - 1 - table.level) * LEVEL_HEIGHT },
      ];
    }),
  );
  const right = Math.max(0, ...[...at.values()].map(({ x }) => x)) + BOX_WIDTH + MARGIN;
  const below = layOutFrames(picture, at, frameTop(levels, MARGIN));
  const tablesHeight = levels * LEVEL_HEIGHT - (LEVEL_HEIGHT - BOX_HEIGHT) + MARGIN;
  return {
    tables: [...at.values()],
    links: linksOf(at),
    below,
    width: Math.max(right, below.right + MARGIN),
    height: Math.max(tablesHeight, below.bottom) + MARGIN,
  };
}

interface Placed {
  x: number;
  readonly depth: number;
  readonly children?: readonly Placed[] | undefined;
}

/** What is wider than a screen begins with its roots: in its middle nobody would look for them. */
function alignWide(placed: readonly Placed[]): void {
  const xs = placed.map(({ x }) => x);
  if (Math.max(...xs) - Math.min(...xs) < WIDE) return;
  const depths = [...new Set(placed.map(({ depth }) => depth))].sort((one, other) => other - one);
  for (const level of depths) {
    const row = placed.filter(({ depth }) => depth === level);
    for (const node of row) node.x = node.children?.[0]?.x ?? node.x;
    row.sort((one, other) => one.x - other.x);
    row.forEach((node, at) => {
      if (at > 0) node.x = Math.max(node.x, row[at - 1]!.x + BOX_WIDTH + GAP_X);
    });
  }
}

/** Each table below the first one that leads to it and is there. */
function childrenByParent(tables: readonly PictureTable[]): Map<number, PictureTable[]> {
  const byId = new Map(tables.map((table) => [table.id, table]));
  const children = new Map<number, PictureTable[]>();
  for (const table of tables) {
    // A parent is of a higher level: so there is no circle, whatever a trace says.
    const link = table.links.find(({ parent }) => (byId.get(parent)?.level ?? -1) > table.level);
    if (link === undefined) continue;
    const siblings = children.get(link.parent) ?? [];
    siblings.push(table);
    children.set(link.parent, siblings);
  }
  for (const siblings of children.values()) siblings.sort((one, other) => one.start - other.start);
  return children;
}

function linksOf(at: ReadonlyMap<number, PlacedTable>): PlacedLink[] {
  return [...at.values()].flatMap(({ table, x, y }) =>
    table.links.flatMap(({ mm, parent, index }) => {
      const above = at.get(parent);
      if (above === undefined || parent === table.id) return [];
      const part = (index + 0.5) / above.table.size;
      return [
        {
          key: `${mm} ${parent} ${index} ${table.id}`,
          from: { x: above.x + part * BOX_WIDTH, y: above.y + BOX_HEIGHT },
          to: { x: x + BOX_WIDTH / 2, y },
          isShared: table.links.length > 1,
        },
      ];
    }),
  );
}
