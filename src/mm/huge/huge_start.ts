/** Where huge pages lie. */
import type { World } from '../world/world.ts';

/** Frames of a huge page. */
export const hugePages = ({ format }: World): number => format.entryPages[1]!;

/** The first page of the huge page that `page` would be in. */
export function hugeStart(world: World, page: number): number {
  return page - (page % hugePages(world));
}
