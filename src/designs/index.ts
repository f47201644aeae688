/** Designs of shared page tables: each a folder of its own, which plugs into the seams of mm. */
export type { Design, VmOps } from '../mm/design/design.ts';
