/** /proc, rendered from a machine. */
export type { FileName, ProcHost, ProcProcess } from './host.ts';
export { kpagecountOf, kpageflagsOf } from './kpage.ts';
export { renderMaps } from './maps.ts';
export { renderBuddyinfo, renderMeminfo, renderVmstat } from './meminfo.ts';
export { renderNumaMaps } from './numa_maps.ts';
export { pagemapOf } from './pagemap.ts';
export { renderSmaps, renderSmapsRollup } from './smaps.ts';
export { renderStat, renderStatm } from './stat.ts';
export { renderStatus } from './status.ts';
export { type ProcNode, procTree } from './tree.ts';
export { type Extent, readWords, type WordFile } from './word_file.ts';
