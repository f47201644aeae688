/** The answer about a fleet, for a terminal. */
import { printable } from '../../report/printable.ts';
import { counted, formatBytes, formatPercent, percentOf } from '../../report/quantity.ts';
import { type Canvas, canvasOf, type TextOptions } from '../../report/text/canvas.ts';
import { wrap } from '../../report/text/fit.ts';
import { section } from '../../report/text/render.ts';
import { type Column, moreLines, table } from '../../report/text/table.ts';
import {
  fleetBestSentence,
  fleetCostSentence,
  fleetExactnessSentence,
  fleetRepeatedSentence,
  fleetSavingPhrase,
  measureName,
  measureValue,
  placeSentence,
  spreadSentence,
  trendSentence,
} from '../headline.ts';
import type { FleetReport } from '../schema.ts';

/** Text that ends in a newline. Names are shown with control characters escaped. */
export function renderFleetReport(report: FleetReport, options: TextOptions): string {
  const canvas = canvasOf(options);
  const { outliers, refused } = report;
  const lines = [
    ...headlineLines(report, canvas),
    ...section(canvas, 'Which software pays', softwareLines(report, canvas)),
    ...section(canvas, 'What is mapped', segmentLines(report, canvas)),
    ...section(canvas, 'Designs side by side', designLines(report, canvas)),
    ...section(canvas, 'Costliest hosts', hostLines(report, canvas)),
    ...(outliers.length === 0
      ? []
      : section(canvas, 'Unlike the others', outlierLines(report, canvas))),
    ...(report.trend.days.length < 2
      ? []
      : section(canvas, 'From day to day', trendLines(report, canvas))),
    ...section(canvas, 'How exact this is', paragraph(canvas, fleetExactnessSentence(report))),
    ...(refused.length === 0
      ? []
      : section(canvas, 'Files that could not be used', refusedLines(report, canvas))),
  ];
  return `${lines.join('\n')}\n`;
}

function headlineLines(report: FleetReport, canvas: Canvas): string[] {
  const { colors } = canvas;
  const sentence = (text: string): string[] =>
    wrap(`${text}.`, canvas.width, canvas.symbols.ellipsis);
  return [
    ...sentence(`ptshare fleet: ${placeSentence(report)}`).map(colors.dim),
    '',
    ...sentence(fleetCostSentence(report)).map(colors.bold),
    ...sentence(fleetRepeatedSentence(report)).map((line) => colors.bold(colors.yellow(line))),
    ...sentence(fleetBestSentence(report)).map(colors.green),
    ...sentence(spreadSentence(report)),
  ];
}

function paragraph({ width, symbols }: Canvas, text: string): string[] {
  return wrap(`${text}.`, width - 2, symbols.ellipsis).map((line) => `  ${line}`);
}

/** What tables of software, segments and hosts have in common. */
function bytesColumn(title: string, bytes: readonly number[], paint: Column['paint']): Column {
  const cells = bytes.map((value) => (value === 0 ? '-' : formatBytes(value)));
  return { title, align: 'right', cells, ...(paint && { paint }) };
}

function softwareLines({ software, cost }: FleetReport, canvas: Canvas): string[] {
  const shown = software.slice(0, canvas.rows);
  const column = <T>(value: (entry: (typeof shown)[number]) => T): T[] => shown.map(value);
  const { bold, yellow } = canvas.colors;
  return [
    ...table(canvas, [
      { title: 'Group', align: 'left', cells: column(({ name }) => printable(name)), widthMin: 14 },
      { title: 'Hosts', align: 'right', cells: column(({ hosts }) => String(hosts)) },
      { title: 'Processes', align: 'right', cells: column(({ processes }) => String(processes)) },
      bytesColumn(
        'Tables',
        column(({ tableBytes }) => tableBytes),
        bold,
      ),
      bytesColumn(
        'Repeated',
        column(({ duplicateBytes }) => duplicateBytes),
        yellow,
      ),
      {
        title: 'Share',
        align: 'right',
        cells: column(({ tableBytes }) =>
          formatPercent(percentOf(tableBytes, cost.pageTablesBytes)),
        ),
        dropOrder: 1,
      },
    ]),
    ...moreLines(
      canvas,
      'group',
      software.map(({ tableBytes }) => tableBytes),
    ),
  ];
}

function segmentLines({ segments }: FleetReport, canvas: Canvas): string[] {
  const shown = segments.slice(0, canvas.rows);
  const column = <T>(value: (entry: (typeof shown)[number]) => T): T[] => shown.map(value);
  const { bold, yellow } = canvas.colors;
  return [
    ...table(canvas, [
      {
        title: 'Object',
        align: 'left',
        cells: column(({ name }) => printable(name)),
        widthMin: 24,
      },
      {
        title: 'Kind',
        align: 'left',
        cells: column(({ kind }) => printable(kind)),
        widthMin: 11,
        dropOrder: 1,
      },
      { title: 'Hosts', align: 'right', cells: column(({ hosts }) => String(hosts)) },
      { title: 'Mappers', align: 'right', cells: column(({ mappers }) => String(mappers)) },
      bytesColumn(
        'Tables',
        column(({ tableBytes }) => tableBytes),
        bold,
      ),
      bytesColumn(
        'Repeated',
        column(({ duplicateBytes }) => duplicateBytes),
        yellow,
      ),
    ]),
    ...moreLines(
      canvas,
      'object',
      segments.map(({ tableBytes }) => tableBytes),
    ),
  ];
}

function designLines({ designs }: FleetReport, canvas: Canvas): string[] {
  const column = <T>(value: (entry: (typeof designs)[number]) => T): T[] => designs.map(value);
  const { green, bold } = canvas.colors;
  const first = (names: readonly { readonly name: string }[]): string =>
    names[0] === undefined ? '' : printable(names[0].name);
  return table(canvas, [
    { title: 'Design', align: 'left', cells: column(({ id }) => printable(id)), widthMin: 18 },
    bytesColumn(
      'Takes',
      column(({ tableBytes }) => tableBytes),
      bold,
    ),
    {
      title: 'Saves',
      align: 'right',
      cells: column((design) => (design.savesBytes === 0 ? '-' : fleetSavingPhrase(design))),
      paint: green,
    },
    {
      title: 'Of all',
      align: 'right',
      cells: column(({ savesBytes, beforeBytes }) =>
        savesBytes === 0 ? '' : formatPercent(percentOf(savesBytes, beforeBytes)),
      ),
      dropOrder: 2,
    },
    { title: 'Best on', align: 'right', cells: column(({ bestOn }) => String(bestOn)) },
    {
      title: 'Most in',
      align: 'left',
      cells: column(({ software }) => first(software)),
      widthMin: 8,
      dropOrder: 1,
    },
    {
      title: 'Most on',
      align: 'left',
      cells: column(({ hosts }) => first(hosts)),
      widthMin: 20,
      dropOrder: 3,
    },
  ]);
}

function hostLines({ costliest }: FleetReport, canvas: Canvas): string[] {
  const shown = costliest.slice(0, canvas.rows);
  const column = <T>(value: (entry: (typeof shown)[number]) => T): T[] => shown.map(value);
  const { bold, yellow, green } = canvas.colors;
  return [
    ...table(canvas, [
      {
        title: 'Host',
        align: 'left',
        cells: column(({ hostname }) => printable(hostname)),
        widthMin: 24,
      },
      bytesColumn(
        'Tables',
        column(({ pageTablesBytes }) => pageTablesBytes),
        bold,
      ),
      {
        title: 'Of memory',
        align: 'right',
        cells: column(({ percentOfMemory }) => formatPercent(percentOfMemory)),
      },
      bytesColumn(
        'Repeated',
        column(({ duplicateBytes }) => duplicateBytes),
        yellow,
      ),
      {
        title: 'Payer',
        align: 'left',
        cells: column(({ payer }) => printable(payer)),
        widthMin: 8,
        dropOrder: 2,
      },
      {
        title: 'Best design',
        align: 'left',
        cells: column(({ bestDesign }) => printable(bestDesign ?? '-')),
        widthMin: 11,
        dropOrder: 1,
      },
      bytesColumn(
        'Saves',
        column(({ bestSavesBytes }) => bestSavesBytes),
        green,
      ),
    ]),
    ...moreLines(
      canvas,
      'host',
      costliest.map(({ pageTablesBytes }) => pageTablesBytes),
    ),
  ];
}

function outlierLines({ outliers }: FleetReport, canvas: Canvas): string[] {
  const shown = outliers.slice(0, canvas.rows);
  const column = <T>(value: (entry: (typeof shown)[number]) => T): T[] => shown.map(value);
  return table(canvas, [
    {
      title: 'Host',
      align: 'left',
      cells: column(({ hostname }) => printable(hostname)),
      widthMin: 24,
    },
    { title: 'In', align: 'left', cells: column(({ measure }) => measureName(measure)) },
    {
      title: 'Here',
      align: 'right',
      cells: column(({ measure, value }) => measureValue(measure, value)),
      paint: canvas.colors.yellow,
    },
    {
      title: 'Median',
      align: 'right',
      cells: column(({ measure, median }) => measureValue(measure, median)),
    },
    {
      title: 'Score',
      align: 'right',
      cells: column(({ score }) => score.toFixed(1)),
      dropOrder: 1,
    },
    { title: 'Payer', align: 'left', cells: column(({ payer }) => printable(payer)), widthMin: 8 },
  ]);
}

function trendLines(report: FleetReport, canvas: Canvas): string[] {
  const sentence = trendSentence(report);
  const growing = report.trend.growing.slice(0, canvas.rows);
  return [
    ...(sentence === undefined ? [] : paragraph(canvas, sentence)),
    ...(growing.length === 0
      ? []
      : table(canvas, [
          {
            title: 'Growing host',
            align: 'left',
            cells: growing.map(({ hostname }) => printable(hostname)),
            widthMin: 24,
          },
          {
            title: 'A day',
            align: 'right',
            cells: growing.map(({ bytesPerDay }) => formatBytes(bytesPerDay)),
          },
        ])),
  ];
}

function refusedLines({ refused }: FleetReport, canvas: Canvas): string[] {
  const hidden = refused.length - canvas.rows;
  return [
    ...refused
      .slice(0, canvas.rows)
      .flatMap(({ file, why }) => paragraph(canvas, printable(`${file}: ${why}`))),
    ...(hidden > 0 ? [canvas.colors.dim(`  and ${counted(hidden, 'more file')}`)] : []),
  ];
}
