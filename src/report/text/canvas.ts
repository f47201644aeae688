/** What a terminal can show: how wide it is, whether in colour, and with which characters. */
import pc from 'picocolors';

export interface TextOptions {
  /** Columns; nothing but a command that has no place to break is printed wider. */
  readonly width: number;
  readonly color: boolean;
  /** Whether box-drawing and block characters can be shown; plain ASCII if not. */
  readonly unicode: boolean;
  /** Rows a table shows. */
  readonly rows: number;
}

export type Colors = ReturnType<typeof pc.createColors>;

export interface Symbols {
  readonly full: string;
  /** Widths of a bar's last cell, from one step to the last but one. */
  readonly partial: readonly string[];
  /** Fillings of a stacked bar, told apart without colour. */
  readonly repeated: string;
  readonly kernel: string;
  readonly empty: string;
  readonly rule: string;
  readonly ellipsis: string;
  readonly bullet: string;
  readonly atMost: string;
  readonly atLeast: string;
  /** How full a cell is, from a little to whole. */
  readonly levels: readonly string[];
  /** In front of what hangs below something: one of several, the last, and beside those below it. */
  readonly branch: string;
  readonly lastBranch: string;
  readonly trunk: string;
}

const UNICODE: Symbols = {
  full: '█',
  partial: ['▏', '▎', '▍', '▌', '▋', '▊', '▉'],
  repeated: '▒',
  kernel: '▓',
  empty: '·',
  rule: '─',
  ellipsis: '…',
  bullet: '•',
  atMost: '≤',
  atLeast: '≥',
  levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  branch: '├─',
  lastBranch: '└─',
  trunk: '│ ',
};

const ASCII: Symbols = {
  full: '#',
  partial: [],
  repeated: '=',
  kernel: '+',
  empty: '.',
  rule: '-',
  ellipsis: '~',
  bullet: '*',
  atMost: '<=',
  atLeast: '>=',
  levels: ['-', '+', '#'],
  branch: '|-',
  lastBranch: '`-',
  trunk: '| ',
};

export interface Canvas {
  readonly width: number;
  readonly rows: number;
  readonly colors: Colors;
  readonly symbols: Symbols;
}

export function canvasOf(options: TextOptions): Canvas {
  return {
    width: options.width,
    rows: options.rows,
    colors: pc.createColors(options.color),
    symbols: options.unicode ? UNICODE : ASCII,
  };
}
