/** Both builds of the engine with its designs. */
import * as designs from '../../src/designs/index.ts';
import * as engine from '../../src/mm/index.ts';
import type { Build } from './file_world.ts';

const FAST = new URL('../../fast/src/', import.meta.url);

export const CANONICAL: Build = { ...engine, ...designs };
export const BLANKED = {
  ...(await import(new URL('mm/index.js', FAST).href)),
  ...(await import(new URL('designs/index.js', FAST).href)),
} as Build;
