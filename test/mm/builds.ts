/** Both builds of the engine, for tests of what holds in each. */
import * as canonical from '../../src/mm/index.ts';
import type { Engine } from './small_world.ts';

const FAST = new URL('../../fast/src/mm/index.js', import.meta.url).href;

export const BUILDS: readonly (readonly [string, Engine])[] = [
  ['canonical', canonical],
  ['blanked', (await import(FAST)) as Engine],
];
