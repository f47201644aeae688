/** Builds a track: slices that begin and end, the later ones inside of the earlier ones. */
import { Column } from './columns.ts';
import { LOOKS, type Look, type Slices, type Track } from './timeline.ts';

export const LOOK = Object.fromEntries(LOOKS.map((look, index) => [look, index])) as Readonly<
  Record<Look, number>
>;

/** Deeper slices are not drawn. */
const ROWS_MAX = 6;

class Row {
  readonly start = new Column();
  readonly end = new Column();
  readonly label = new Column();
  readonly look = new Column();

  /** @param openUntil where the last one ends, if it is still open */
  finish(openUntil: number | undefined): Slices {
    const end = this.end.finish();
    if (openUntil !== undefined) end[end.length - 1] = openUntil;
    return {
      start: this.start.finish(),
      end,
      label: this.label.finish(),
      look: this.look.finish(),
    };
  }
}

export class TrackBuilder {
  readonly group: Track['group'];
  readonly name: string;
  /** Where it is drawn among those of its group. */
  readonly rank: number;
  /** How often anything was drawn on it. */
  uses = 0;
  readonly #rows: Row[] = [];
  /** Keys of the slices under way, outermost first. */
  readonly #open: number[] = [];
  readonly #event = new Column();
  readonly #look = new Column();

  constructor(group: Track['group'], name: string, rank: number) {
    this.group = group;
    this.name = name;
    this.rank = rank;
  }

  /** @param key finds the slice when it ends */
  begin(event: number, key: number, label: number, look: number): void {
    this.uses++;
    const depth = this.#open.push(key) - 1;
    if (depth >= ROWS_MAX) return;
    this.#rows[depth] ??= new Row();
    const row = this.#rows[depth];
    row.start.push(event);
    row.end.push(event);
    row.label.push(label);
    row.look.push(look);
  }

  /** Ends a slice with all inside of it; one that is not open began before the trace did. */
  end(event: number, key: number): void {
    const found = this.#open.lastIndexOf(key);
    if (found < 0) return;
    while (this.#open.length > found) this.#endLast(event);
  }

  mark(event: number, look: number): void {
    this.uses++;
    this.#event.push(event);
    this.#look.push(look);
  }

  /**
   * The track until now. More may be added to it.
   *
   * @param events how many there are: what is open lasts until then
   */
  finish(events: number): Track {
    const { group, name } = this;
    const open = this.#open.length;
    const rows = this.#rows.map((row, depth) => row.finish(depth < open ? events : undefined));
    return { group, name, rows, marks: { event: this.#event.finish(), look: this.#look.finish() } };
  }

  #endLast(event: number): void {
    this.#open.pop();
    const row = this.#rows[this.#open.length];
    row?.end.set(row.end.length - 1, event);
  }
}
