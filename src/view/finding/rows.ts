/** Rows of a run: steps that matter, and the others folded between them. */
import type { StoryRun, StoryStep } from '../../scene/story.ts';

export type Row =
  | { readonly kind: 'step'; readonly at: number; readonly step: StoryStep }
  | { readonly kind: 'fold'; readonly first: number; readonly count: number };

/** Fewer are shown as they are. */
const FOLD_MIN = 3;

/** @param unfolded first steps of folds that are open; `all` opens every one */
export function rowsOf({ steps }: StoryRun, unfolded: ReadonlySet<number> | 'all'): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < steps.length; ) {
    const end = foldEnd(steps, at);
    const isFolded = end - at >= FOLD_MIN && unfolded !== 'all' && !unfolded.has(at);
    if (isFolded) {
      rows.push({ kind: 'fold', first: at, count: end - at });
      at = end;
      continue;
    }
    const shownTo = Math.max(end, at + 1);
    for (; at < shownTo; at++) rows.push({ kind: 'step', at, step: steps[at]! });
  }
  return rows;
}

/** Behind the steps from `at` on that do not matter; the last step always does. */
function foldEnd(steps: readonly StoryStep[], at: number): number {
  let end = at;
  while (end < steps.length - 1 && !steps[end]!.matters && !steps[end]!.isStale) end++;
  return end;
}

/** The next step that is shown, from one that may be folded. */
export function nextShown(rows: readonly Row[], at: number, by: 1 | -1): number {
  const shown = rows.flatMap((row) => (row.kind === 'step' ? [row.at] : []));
  const found = by === 1 ? shown.find((each) => each > at) : shown.findLast((each) => each < at);
  return found ?? (by === 1 ? (shown.at(-1) ?? 0) : (shown[0] ?? 0));
}
