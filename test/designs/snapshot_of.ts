/** What a capture would see of a machine of the engine. */
export { snapshotOf } from '../../src/cost/seen.ts';
