/** What the treemaps show: tables by process group, and tables by mapped object. */
import { compositionOf } from '../headline.ts';
import { counted, formatBytes } from '../quantity.ts';
import type { GroupEntry, HostReport, ObjectEntry, ProcessEntry } from '../schema.ts';
import type { Markup } from './markup.ts';
import { type Box, type Tile, treemapFigure } from './treemap.ts';

/** More tiles than this cannot be told apart, and only make the file large. */
const PROCESS_TILES_MAX = 500;
const OBJECT_BOXES_MAX = 60;

export function groupPicture(report: HostReport): Markup {
  const shown = report.processes
    .toSorted((a, b) => b.vmPteBytes - a.vmPteBytes)
    .slice(0, PROCESS_TILES_MAX);
  const { elsewhereBytes, kernelBytes } = compositionOf(report);
  const boxes = report.groups.map((group) => groupBox(group, shown));
  const isKernelListed = report.groups.some(({ processes }) => processes === 0);
  if (!isKernelListed) boxes.push(otherBox('kernel', kernelBytes));
  boxes.push(otherBox('not seen', elsewhereBytes));
  return treemapFigure(
    {
      id: 'by-group',
      title: 'By process group, one tile a process',
      description: `Area in proportion to page-table bytes; ${counted(report.groups.length, 'group')}. The table "Process groups" has the same numbers.`,
    },
    boxes.filter(({ tiles }) => tiles.length > 0),
  );
}

function groupBox(group: GroupEntry, shown: readonly ProcessEntry[]): Box {
  const { name, vmPteBytes, duplicateBytes } = group;
  const tiles: Tile[] = shown
    .filter((process) => process.group === name && process.vmPteBytes > 0)
    .map(({ comm, pid, vmPteBytes: bytes }) => ({ label: `${comm} (${pid})`, bytes }));
  const rest = vmPteBytes - tiles.reduce((sum, { bytes }) => sum + bytes, 0);
  if (rest > 0) tiles.push({ label: `${name}, the rest`, bytes: rest });
  const repeatedShare = vmPteBytes === 0 ? 0 : duplicateBytes / vmPteBytes;
  return { name, tiles, repeatedShare, tone: group.processes === 0 ? 'other' : 'once' };
}

export function objectPicture(report: HostReport): Markup {
  const objects = report.objects.toSorted((a, b) => b.tableBytes - a.tableBytes);
  const { onceBytes, repeatedBytes } = compositionOf(report);
  const mapped = objects.reduce((sum, { tableBytes }) => sum + tableBytes, 0);
  const smaller = objects
    .slice(OBJECT_BOXES_MAX)
    .reduce((sum, { tableBytes }) => sum + tableBytes, 0);
  const boxes = [
    ...objects.slice(0, OBJECT_BOXES_MAX).map(objectBox),
    otherBox('smaller objects', smaller),
    otherBox('anonymous memory and roots', onceBytes + repeatedBytes - mapped),
  ];
  return treemapFigure(
    {
      id: 'by-object',
      title: 'By what is mapped',
      description: `Area in proportion to page-table bytes; ${counted(objects.length, 'mapped object')}. The table "Mapped objects" has the same numbers.`,
    },
    boxes.filter(({ tiles }) => tiles.length > 0),
  );
}

function objectBox({ name, mappers, tableBytes, duplicateBytes }: ObjectEntry): Box {
  const label = `${name}, mapped by ${counted(mappers, 'address space')}`;
  return {
    name: lastPart(name),
    tiles: tableBytes > 0 ? [{ label, bytes: tableBytes }] : [],
    repeatedShare: tableBytes === 0 ? 0 : duplicateBytes / tableBytes,
    tone: 'once',
  };
}

function otherBox(name: string, bytes: number): Box {
  const tiles = bytes > 0 ? [{ label: `${name}, ${formatBytes(bytes)}`, bytes }] : [];
  return { name, tiles, repeatedShare: 0, tone: 'other' };
}

/** The file name of a path; `/dev/zero` and the like as they are. */
function lastPart(name: string): string {
  const parts = name.split('/');
  return parts.length <= 3 ? name : parts.at(-1)!;
}
