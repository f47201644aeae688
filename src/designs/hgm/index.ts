/**
 * HugeTLB high-granularity mapping (HGM): huge pages of hugetlb that are mapped in pieces, as it was
 * posted four times and never merged.
 *
 * @source James Houghton, LKML, June 2022 to February 2023
 * @omits  copying and moving entries of userfaultfd-wp with their bits, MMU notifiers
 */
import type { Design } from '../../mm/design/design.ts';
import { collapseGranular } from './collapse.ts';
import { followPiece, lookAtPieces, protectPieces } from './entries.ts';
import { faultPiece, isMissing } from './fault.ts';
import { fillPieces } from './fill.ts';
import { HGM_V2, type HgmOptions } from './options.ts';
import { splitAdvice, splitFeature } from './split.ts';
import { copyPieces, movePieces } from './transfer.ts';
import { mapsFolio, unmapGranular } from './zap.ts';

export { type HugetlbPte, newHugetlbPte } from './hugetlb_pte.ts';
export { memoryFailure } from './memory_failure.ts';
export { isolateHugetlb, migrateHugetlb, putbackHugetlb } from './migrate.ts';
export {
  HGM_MENDED,
  HGM_RFC_V1,
  HGM_RFC_V2,
  HGM_V1,
  HGM_V2,
  HGM_VERSIONS,
  type HgmOptions,
} from './options.ts';
export { granularSizes } from './sizes.ts';
export { type HugetlbSmaps, smapsOfHugetlb } from './smaps.ts';
export { MINOR_HUGETLBFS_HGM, makeGranular } from './split.ts';
export { fullWalk, fullWalkAlloc, fullWalkContinue } from './walk.ts';
export { mapsFolio } from './zap.ts';

export function hgm(options: HgmOptions = HGM_V2): Design {
  return {
    name: `hgm ${options.name}`,
    granular: {
      counting: options.counting,
      ...(!options.hasAdvice && { feature: splitFeature(options) }),
      fault: (task, fault) => faultPiece(task, fault, options),
      isMissing: (task, vma, page) => isMissing(task, vma, page, options),
      unmap: (task, vma, start, end) => unmapGranular(task, vma, start, end, options),
      maps: mapsFolio,
      protect: protectPieces,
      move: (task, vma, start, target, pages) =>
        movePieces(task, vma, start, target, pages, options),
      copy: (task, child, to, from) => copyPieces(task, child, to, from, options),
      follow: (task, vma, page, isWrite, isPin) =>
        followPiece(task, vma, page, isWrite, isPin, options),
      look: (task, vma, start, end, resident) =>
        lookAtPieces(task, vma, start, end, resident, options),
      fillRange: (task, vma, start, end) => fillPieces(task, vma, start, end, options),
      split: (task, vma, start, end) => splitAdvice(task, vma, start, end, options),
      collapse: (task, vma, start, end) => collapseGranular(task, vma, start, end, options),
    },
  };
}
