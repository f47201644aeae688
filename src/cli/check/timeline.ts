/** A schedule, drawn: a column for each CPU, from top to bottom as time goes by. */
import { type Finding, parseSchedule, type Step } from '../../check/index.ts';
import { stepInWords } from '../../check/words.ts';
import { printable } from '../../report/printable.ts';
import type { Canvas } from '../../report/text/canvas.ts';
import { padEnd, wrap } from '../../report/text/fit.ts';

/** Narrower than this, columns are laid over each other. */
const COLUMN_MIN = 26;
const GUTTER = 5;
const GAP = 2;

/** Whoever has a column: a CPU with its interrupts and callbacks, or a thread. */
interface Lane {
  readonly key: string;
  readonly title: string;
}

/** Lines, none wider than the canvas. */
export function timeline(canvas: Canvas, finding: Finding): string[] {
  return new Drawing(canvas, finding).lines();
}

class Drawing {
  readonly #canvas: Canvas;
  readonly #steps: readonly Step[];
  readonly #keys: readonly string[];
  readonly #lanes: readonly Lane[];
  /** Of a column; of the only one, where there is no room for more. */
  readonly #width: number;
  readonly #isNarrow: boolean;
  readonly #holds = new Map<string, readonly string[]>();
  readonly #lines: string[] = [];

  constructor(canvas: Canvas, { schedule, steps }: Finding) {
    this.#canvas = canvas;
    this.#steps = steps;
    const turns = parseSchedule(schedule);
    this.#keys = steps.map(({ actor }, at) => keyOf(actor, turns[at]!.actor));
    this.#lanes = lanesOf(steps, this.#keys);
    const available = canvas.width - GUTTER;
    const width = Math.floor(available / this.#lanes.length) - GAP;
    this.#isNarrow = width < COLUMN_MIN;
    this.#width = this.#isNarrow ? available - GAP : width;
  }

  lines(): string[] {
    const { colors, symbols } = this.#canvas;
    if (!this.#isNarrow) {
      this.#row('', (lane) => lane.title, colors.bold);
      this.#row('', () => symbols.rule.repeat(this.#width), colors.dim);
    }
    this.#steps.forEach((step, at) => {
      const key = this.#keys[at]!;
      const before = this.#keys[at - 1];
      if (before !== undefined && before !== key) this.#leave(before);
      if (this.#isNarrow && before !== key) this.#cell('', key, this.#titleOf(key), colors.bold);
      this.#step(at + 1, key, step);
    });
    for (const { key } of this.#lanes) this.#stay(key);
    return this.#lines;
  }

  #step(number: number, key: string, step: Step): void {
    const { colors } = this.#canvas;
    const { text, isStale } = stepInWords(step.does);
    const role = ROLES[roleOf(step.actor)] ?? '';
    const paint = isStale ? (line: string) => colors.bold(colors.yellow(line)) : undefined;
    this.#cell(String(number), key, `${isStale ? '! ' : ''}${role}${text}`, paint);
    if (role === '' && step.holds !== undefined) this.#holds.set(key, step.holds);
  }

  /** A context switch: another one goes on, while this one may hold locks. */
  #leave(key: string): void {
    const { symbols, colors } = this.#canvas;
    const held = this.#heldBy(key);
    this.#cell('', key, `${symbols.lastBranch}${held === '' ? '' : ` holds ${held}`}`, colors.dim);
  }

  /** What is held in the end. */
  #stay(key: string): void {
    const held = this.#heldBy(key);
    if (held !== '') this.#cell('', key, `= holds ${held}`, this.#canvas.colors.dim);
  }

  #heldBy(key: string): string {
    return (this.#holds.get(key) ?? []).join(', ');
  }

  #titleOf(key: string): string {
    return this.#lanes.find((lane) => lane.key === key)!.title;
  }

  #cell(number: string, key: string, text: string, paint?: (text: string) => string): void {
    const lane = this.#isNarrow ? 0 : this.#lanes.findIndex((each) => each.key === key);
    const indent = ' '.repeat(lane * (this.#width + GAP));
    const lines = wrap(printable(text), this.#width, this.#canvas.symbols.ellipsis);
    for (const [at, line] of lines.entries()) {
      const shown = paint === undefined ? line : paint(line);
      this.#lines.push(`${gutter(at === 0 ? number : '')}${indent}${shown}`);
    }
  }

  #row(number: string, textOf: (lane: Lane) => string, paint: (text: string) => string): void {
    const texts = this.#lanes.map((lane) =>
      wrap(printable(textOf(lane)), this.#width, this.#canvas.symbols.ellipsis),
    );
    const height = Math.max(...texts.map((lines) => lines.length));
    for (let at = 0; at < height; at++) {
      const cells = texts.map((lines) => padEnd(lines[at] ?? '', this.#width + GAP));
      this.#lines.push(gutter(number) + paint(cells.join('').trimEnd()));
    }
  }
}

/** What interrupts a program, or runs beside it. */
const ROLES: Readonly<Record<string, string>> = {
  interrupt: 'irq: ',
  'RCU callbacks': 'rcu: ',
};

const gutter = (number: string): string => `${number.padStart(GUTTER - 2)}  `;

/** Actors of one CPU are in one column, threads without a CPU in one each. */
function keyOf(name: string, actor: number): string {
  const colon = name.indexOf(': ');
  return colon < 0 ? `thread ${actor}` : name.slice(0, colon);
}

const roleOf = (name: string): string => name.slice(name.indexOf(': ') + 2);

function lanesOf(steps: readonly Step[], keys: readonly string[]): Lane[] {
  const titles = new Map<string, string>();
  steps.forEach(({ actor }, at) => {
    const key = keys[at]!;
    const isMain = ROLES[roleOf(actor)] === undefined;
    if (isMain) titles.set(key, actor);
    else if (!titles.has(key)) titles.set(key, key);
  });
  const lanes = Array.from(titles, ([key, title]) => ({ key, title }));
  return lanes.sort((one, other) => (one.key < other.key ? -1 : 1));
}
