/** A part of a search as data, and what comes of it, see `SharedSearch`. */
import type { Checkpoint, SavedBranch, SavedPath } from './checkpoint.ts';
import type { Exploration } from './explore.ts';

/** Of a unit: what each costs grows with what is before it. */
export const PARTS_MAX = 64;

/** Pass it to `explore()` as `from` and `floor`. */
export interface Part {
  readonly path: SavedPath;
  readonly floor: number;
}

/** What `explore()` says of a part. */
export interface PartResult extends Pick<Exploration, 'above'> {
  readonly rest?: Pick<Checkpoint, 'path'>;
}

/** A tree as data, with the part that a leaf is, if it was begun. */
export interface SharedState extends Omit<SavedBranch, 'branches'> {
  readonly branches: readonly SharedState[];
  readonly isWhole?: boolean;
  readonly isDone?: boolean;
  readonly part?: Part;
}
