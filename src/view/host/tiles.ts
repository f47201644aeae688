/** Areas in proportion to bytes. */
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import type { HostReport } from '../../report/schema.ts';

/** Something that pays for tables: a group of processes, or a mapped object. */
export interface Payer {
  readonly key: string;
  readonly name: string;
  readonly bytes: number;
  /** Of these, tables that exist elsewhere too. */
  readonly duplicateBytes: number;
  /** What it is made of. */
  readonly parts: readonly Part[];
}

export interface Part {
  readonly name: string;
  readonly bytes: number;
}

export interface Box {
  readonly payer: Payer;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Outlines of its parts, in the same coordinates. */
  readonly parts: readonly {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }[];
}

/** More are not told apart by anybody. */
const BOXES_MAX = 120;
const PARTS_MAX = 60;

export function payersByGroup({ groups, processes }: HostReport): Payer[] {
  return groups.map((group) => ({
    key: `group ${group.name}`,
    name: group.name,
    bytes: group.vmPteBytes,
    duplicateBytes: Math.min(group.duplicateBytes, group.vmPteBytes),
    parts: processes
      .filter((process) => process.group === group.name)
      .map(({ pid, comm, vmPteBytes }) => ({ name: `${comm} ${pid}`, bytes: vmPteBytes })),
  }));
}

export function payersByObject({ objects }: HostReport): Payer[] {
  return objects.map((object) => ({
    key: `object ${object.kind} ${object.name}`,
    name: object.name,
    bytes: object.tableBytes,
    duplicateBytes: Math.min(object.duplicateBytes, object.tableBytes),
    parts: [],
  }));
}

interface Datum {
  readonly payer?: Payer;
  readonly bytes: number;
  readonly children: readonly Datum[];
}

/** Boxes for `payers`, the small ones in one, on an area of this size. */
export function layOut(payers: readonly Payer[], width: number, height: number): Box[] {
  const sorted = payers.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
  const [shown, rest] = [sorted.slice(0, BOXES_MAX), sorted.slice(BOXES_MAX)];
  const all = rest.length === 0 ? shown : [...shown, together(rest)];
  const root: Datum = { bytes: 0, children: all.map(datumOf) };
  const tree = hierarchy(root, ({ children }) => children)
    .sum(({ bytes }) => bytes)
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  const placed = treemap<Datum>()
    .tile(treemapSquarify.ratio(1.5))
    .size([width, height])
    .paddingInner(0)(tree);
  return (placed.children ?? []).map((node) => ({
    payer: node.data.payer!,
    ...area(node),
    parts: (node.children ?? []).map(area),
  }));
}

function together(payers: readonly Payer[]): Payer {
  const sum = (of: (payer: Payer) => number): number =>
    payers.reduce((total, payer) => total + of(payer), 0);
  return {
    key: 'rest',
    name: `${payers.length} smaller ones`,
    bytes: sum(({ bytes }) => bytes),
    duplicateBytes: sum(({ duplicateBytes }) => duplicateBytes),
    parts: [],
  };
}

function datumOf(payer: Payer): Datum {
  const isWhole = payer.parts.length < 2 || payer.parts.length > PARTS_MAX;
  const children = isWhole ? [] : payer.parts.map(({ bytes }) => ({ bytes, children: [] }));
  const sum = children.reduce((total, { bytes }) => total + bytes, 0);
  return { payer, bytes: Math.max(payer.bytes - sum, 0), children };
}

function area({ x0, y0, x1, y1 }: { x0: number; y0: number; x1: number; y1: number }) {
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
}
