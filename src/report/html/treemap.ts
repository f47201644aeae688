/** Areas in proportion to bytes: boxes with a name, and tiles within them. */
import { type HierarchyRectangularNode, hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import { formatBytes } from '../quantity.ts';
import { html, type Markup } from './markup.ts';

export interface Tile {
  readonly label: string;
  readonly bytes: number;
}

export interface Box {
  readonly name: string;
  readonly tiles: readonly Tile[];
  /** Part of the area, 0 to 1, that is drawn as the same tables again. */
  readonly repeatedShare: number;
  /** Tables of processes, or something else that only fills the whole. */
  readonly tone: 'once' | 'other';
}

export interface Picture {
  readonly id: string;
  readonly title: string;
  readonly description: string;
}

const WIDTH = 1160;
const HEIGHT = 420;
const PLATE_HEIGHT = 19;
const PLATE_MARGIN = 4;
/** An upper estimate for the font of names: what is shown must not run out of its box. */
const LETTER_WIDTH = 8;

interface Datum {
  readonly box: Box | undefined;
  readonly tile: Tile | undefined;
  readonly children: readonly Datum[];
}
type Node = HierarchyRectangularNode<Datum>;

export function treemapFigure({ id, title, description }: Picture, boxes: readonly Box[]): Markup {
  const nodes = layOut(boxes).children ?? [];
  return html`<figure>
<figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${description}</desc>
${nodes.map(boxGroup)}
</svg>
</figure>
`;
}

function layOut(boxes: readonly Box[]): Node {
  const root: Datum = {
    box: undefined,
    tile: undefined,
    children: boxes.map((box) => ({
      box,
      tile: undefined,
      children: box.tiles.map((tile) => ({ box, tile, children: [] })),
    })),
  };
  const tree = hierarchy(root, ({ children }) => children)
    .sum(({ tile }) => tile?.bytes ?? 0)
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  return treemap<Datum>().tile(treemapSquarify.ratio(1.4)).size([WIDTH, HEIGHT])(tree);
}

function boxGroup(node: Node): Markup {
  const { name, repeatedShare, tone } = node.data.box!;
  const value = node.value ?? 0;
  const again = `${formatBytes(value * repeatedShare)} of it the same again`;
  const summary = `${name}: ${formatBytes(value)}${repeatedShare > 0 ? `, ${again}` : ''}`;
  const middle = node.y1 - (node.y1 - node.y0) * repeatedShare;
  return html`<g><title>${summary}</title>${[
    rect(tone, { ...node, y1: middle }),
    rect('repeated', { ...node, y0: middle }),
    ...(node.children ?? []).map(tileOutline),
    rect('box', node),
    plate(node, name),
  ]}</g>
`;
}

/** The name on a plate in the corner, and the size where there is room for both. */
function plate({ x0, y0, x1, y1, value }: Node, name: string): Markup | undefined {
  const letters = Math.floor((x1 - x0 - PLATE_MARGIN * 4) / LETTER_WIDTH);
  if (letters < 4 || y1 - y0 < PLATE_HEIGHT + PLATE_MARGIN * 2) return undefined;
  const size = formatBytes(value ?? 0);
  const hasSize = name.length + 1 + size.length <= letters;
  const shown = name.length <= letters ? name : `${name.slice(0, letters - 1)}…`;
  const width = (shown.length + (hasSize ? size.length + 1 : 0)) * LETTER_WIDTH;
  const left = x0 + PLATE_MARGIN;
  const top = y0 + PLATE_MARGIN;
  const ground = { x0: left, y0: top, x1: left + width + PLATE_MARGIN * 2, y1: top + PLATE_HEIGHT };
  return html`${rect('plate', ground)}<text x="${round(left + PLATE_MARGIN)}" y="${round(top + 14)}">${shown}${
    hasSize ? html` <tspan class="size">${size}</tspan>` : undefined
  }</text>`;
}

/** Separates a tile from the others of its box, and names it where a pointer rests on it. */
function tileOutline(node: Node): Markup | undefined {
  const { label, bytes } = node.data.tile!;
  return rect('tile', node, html`<title>${label}: ${formatBytes(bytes)}</title>`);
}

type Bounds = Pick<Node, 'x0' | 'y0' | 'x1' | 'y1'>;

/** Nothing where there would be less than half a pixel to see. */
function rect(look: string, { x0, y0, x1, y1 }: Bounds, content?: Markup): Markup | undefined {
  if (x1 - x0 < 0.5 || y1 - y0 < 0.5) return undefined;
  return html`<rect class="${look}" x="${round(x0)}" y="${round(y0)}" width="${round(x1 - x0)}" height="${round(y1 - y0)}">${content}</rect>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
