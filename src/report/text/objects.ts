/** Which mapped files and segments the tables are for. */
import { printable } from '../printable.ts';
import { formatBytes } from '../quantity.ts';
import type { HostReport, ObjectEntry } from '../schema.ts';
import type { Canvas } from './canvas.ts';
import { moreLines, table } from './table.ts';

export function objectLines(report: HostReport, canvas: Canvas): string[] {
  const all = report.objects.toSorted((a, b) => b.tableBytes - a.tableBytes);
  const objects = all.slice(0, canvas.rows);
  const column = (value: (object: ObjectEntry) => string): string[] => objects.map(value);
  const lines = table(canvas, [
    { title: 'Object', align: 'left', cells: column(({ name }) => printable(name)), widthMin: 28 },
    {
      title: 'Kind',
      align: 'left',
      cells: column(({ kind }) => printable(kind)),
      widthMin: 11,
      dropOrder: 3,
    },
    { title: 'Mappers', align: 'right', cells: column(({ mappers }) => String(mappers)) },
    {
      title: 'Mapped',
      align: 'right',
      cells: column(({ mappedBytes }) => formatBytes(mappedBytes)),
      dropOrder: 2,
    },
    {
      title: 'Populated',
      align: 'right',
      cells: column(({ populatedBytes }) => formatBytes(populatedBytes)),
      dropOrder: 4,
    },
    {
      title: 'Tables',
      align: 'right',
      cells: column(({ tableBytes }) => formatBytes(tableBytes)),
      paint: canvas.colors.bold,
    },
    {
      title: 'Repeated',
      align: 'right',
      cells: column(({ duplicateBytes }) =>
        duplicateBytes === 0 ? '-' : formatBytes(duplicateBytes),
      ),
      paint: canvas.colors.yellow,
    },
  ]);
  const hidden = moreLines(
    canvas,
    'object',
    all.map(({ tableBytes }) => tableBytes),
  );
  return [...lines, ...hidden];
}
