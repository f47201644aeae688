/** What each design of the what-if is in the engine: what is plugged in, and how tables are counted. */
import type * as designs from '../designs/index.ts';
import type * as engine from '../mm/index.ts';

/** A build of the engine with its designs: the blanked one, whose machines have TLBs. */
export type Engine = typeof engine & typeof designs;

/** Plugs into a machine what a design needs there; nothing where the kernel can do it already. */
const PLUGGED: Readonly<Record<string, (mm: Engine) => readonly designs.Design[]>> = {
  today: () => [],
  'hugetlb-2m': () => [],
  'hugetlb-2m-aligned': () => [],
  'shmem-thp': () => [],
  'pt2006-pte': (mm) => [mm.shared2006({ ...mm.REVIEWED, highest: 0 })],
  'pt2006-pmd': (mm) => [mm.shared2006(mm.REVIEWED)],
  mshare: (mm) => [mm.mshare(mm.V3)],
  'on-demand-fork': (mm) => [mm.onDemandFork(mm.ON_DEMAND_FORK)],
  'cow-pte': (mm) => [mm.onDemandFork(mm.COW_PTE)],
  identical: () => [],
};

/** Ids of the designs that the engine can run. */
export const ENGINE_DESIGNS: readonly string[] = Object.keys(PLUGGED);

export function pluggedFor(mm: Engine, id: string): readonly designs.Design[] {
  const plugged = PLUGGED[id];
  if (plugged === undefined) throw new RangeError(`Cannot run ${id} in the engine`);
  return plugged(mm);
}

/** Whether a design finds by itself what to share, with nothing of the host moved. */
export function sharesByItself(id: string): boolean {
  return id.startsWith('pt2006-') || id === 'on-demand-fork' || id === 'cow-pte';
}
