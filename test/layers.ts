/** Who may import whom. Everything not listed is an error; a layer may always import itself. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  arch: ['base'],
  mm: ['base', 'arch'],
  check: ['base', 'arch', 'mm'],
  proc: ['base', 'arch'],
  snapshot: ['base', 'arch', 'hyparquet', 'hyparquet-writer', 'zod'],
  twin: ['base', 'arch', 'snapshot'],
  whatif: ['base', 'arch', 'snapshot', 'twin'],
  report: [
    'base',
    'arch',
    'snapshot',
    'twin',
    'whatif',
    'd3-hierarchy',
    'picocolors',
    'string-width',
    'zod',
  ],
  capture: ['base', 'arch', 'proc', 'snapshot', 'koffi', 'node:'],
  cli: ['base', 'arch', 'snapshot', 'whatif', 'report', 'capture', 'commander', 'ora', 'node:'],
};
