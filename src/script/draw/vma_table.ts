/** VMAs as a table: where, with which rights, of what, and how much of it is in memory. */
import { printable } from '../../report/printable.ts';
import { counted, formatBytes } from '../../report/quantity.ts';
import { bar } from '../../report/text/bar.ts';
import type { Canvas } from '../../report/text/canvas.ts';
import { fit } from '../../report/text/fit.ts';
import { table } from '../../report/text/table.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { AddressSpaceView } from '../view/view.ts';
import type { PageCounts, VmaView } from '../view/vmas.ts';

const BAR_WIDTH = 10;
const MAPPING_WIDTH_MAX = 24;
/** Narrower canvases leave out what the size of a VMA and its tables say, too. */
const WIDTH_WHOLE = 100;

export function vmaLines({ vmas }: AddressSpaceView, canvas: Canvas): string[] {
  if (vmas.length === 0) return ['  Nothing is mapped'];
  const shown = vmas.slice(0, canvas.rows);
  const column = (cellOf: (vma: VmaView) => string): string[] => shown.map(cellOf);
  const { colors, symbols } = canvas;
  const isNarrow = canvas.width < WIDTH_WHOLE;
  const lines = table(canvas, [
    isNarrow
      ? { title: 'From', align: 'left', cells: column(({ start }) => hex(start)) }
      : {
          title: 'Range',
          align: 'left',
          cells: column(({ start, end }) => `${hex(start)}-${hex(end)}`),
        },
    {
      title: 'Size',
      align: 'right',
      cells: column(({ start, end }) => formatBytes(end - start)),
    },
    { title: 'Rights', align: 'left', cells: column(({ rights }) => rights) },
    {
      title: 'Mapping',
      align: 'left',
      cells: column(({ mapping }) => fit(printable(mapping), MAPPING_WIDTH_MAX, symbols.ellipsis)),
    },
    {
      title: 'In memory',
      align: 'left',
      cells: column(({ start, end, pages }) => {
        const share = (residentOf(pages) * PAGE_BYTES) / (end - start);
        return bar(canvas, share, BAR_WIDTH).padEnd(BAR_WIDTH, symbols.empty);
      }),
      paint: (cell) => {
        const filled = cell.split(symbols.empty, 1)[0]!;
        return colors.cyan(filled) + colors.dim(cell.slice(filled.length));
      },
    },
    {
      title: 'Pages',
      align: 'left',
      cells: column(({ pages }) => pagesText(pages, isNarrow)),
      dropOrder: 1,
    },
    {
      title: 'VmFlags',
      align: 'left',
      cells: column(({ flags }) => flags.join(' ')),
      dropOrder: 2,
    },
  ]);
  const hidden = vmas.slice(canvas.rows);
  if (hidden.length === 0) return lines;
  const bytes = hidden.reduce((sum, { start, end }) => sum + end - start, 0);
  return [
    ...lines,
    colors.dim(`  and ${counted(hidden.length, 'more VMA')}, ${formatBytes(bytes)}`),
  ];
}

const hex = (address: number): string => address.toString(16).padStart(12, '0');

function residentOf({ anon, file, shmem, zero }: PageCounts): number {
  return anon + file + shmem + zero;
}

/** `512 anon, 3 zero; 512 huge, 2 shared` */
function pagesText(pages: PageCounts, isShort: boolean): string {
  const words = (names: readonly (keyof PageCounts)[]): string =>
    names
      .filter((name) => pages[name] > 0)
      .map((name) => `${pages[name]} ${name}`)
      .join(', ');
  const kinds = words(['anon', 'file', 'shmem', 'zero', 'swapped', 'markers']);
  const how = isShort ? '' : words(['huge', 'shared']);
  return how === '' ? kinds : `${kinds}; ${how}`;
}
