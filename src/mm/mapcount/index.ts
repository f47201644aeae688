/** Schemes of map counts. */
export { HeadCount, HgmEntryCount, HgmSubpageCount, HgmTopCount, PerPageCount } from './counted.ts';
export { fitsHvo, HVO_STRUCT_PAGES, type MapCountScheme } from './map_count_scheme.ts';
export { MmIdCount } from './mm_id.ts';
