/** The VMAs of one process as columns, for the loops that assign pages to them. */
import { type Geometry, slotPages, slotsPerTable } from '../arch/geometry.ts';
import { type MappedObject, RunKind, type Vma } from '../snapshot/records.ts';

export interface Layout {
  readonly length: number;
  /** First page and first page behind each VMA, ascending. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** The `RunKind` of a huge page in the VMA. */
  readonly hugeKind: Uint8Array;
  /** The `RunKind` of a missing huge page whose table exists; 0 where none is told. */
  readonly holeKind: Uint8Array;
}

export function layoutOf(
  vmas: readonly Vma[],
  objects: readonly MappedObject[],
  geometry: Geometry,
): Layout {
  const hugeKind = Uint8Array.from(vmas, (vma) => hugeKindOf(objects[vma.object], geometry));
  return {
    length: vmas.length,
    start: Float64Array.from(vmas, (vma) => vma.start),
    end: Float64Array.from(vmas, (vma) => vma.end),
    hugeKind,
    holeKind: hugeKind.map((kind) =>
      kind === RunKind.HUGETLB_PMD ? RunKind.HUGETLB_HOLE : NOT_TOLD,
    ),
  };
}

/** Below a PUD entry a hole says nothing new, and below a PTE table it is no different from one. */
const NOT_TOLD = 0;

/**
 * In a private mapping of a file every huge page is the file's: Linux makes and collapses
 * anonymous ones only in anonymous VMAs.
 *
 * @source linux mm/memory.c create_huge_pmd(), wp_huge_pmd(); mm/khugepaged.c collapse_file()
 */
function hugeKindOf(object: MappedObject | undefined, geometry: Geometry): RunKind {
  if (object === undefined) return RunKind.THP_ANON;
  if (object.kind !== 'hugetlb') return RunKind.THP_FILE;
  const slots = object.pageBytes / geometry.pageBytes / slotPages(geometry);
  // arm64 also has hugetlb pages of several PTE entries, or of several PMD entries.
  if (slots < 1) return RunKind.PTE;
  return slots < slotsPerTable(geometry, 1) ? RunKind.HUGETLB_PMD : RunKind.HUGETLB_PUD;
}
