/** The simulated machine: a world, and what a kernel keeps in it. */
import { cloneGraph } from '../base/clone_graph.ts';
import { Replica } from '../base/replica.ts';
import type { Design } from './design/design.ts';
import type { Inode } from './file/inode.ts';
import type { Segment } from './file/segment.ts';
import { type Hugetlb, newHugetlb } from './hugetlb/hstate.ts';
import { freeHugeFolio, initHugePages } from './hugetlb/pool.ts';
import { initFrames } from './page/frame.ts';
import { Registry } from './registry.ts';
import type { AnonVma } from './rmap/anon_vma.ts';
import { initSwap } from './swap/swap_slot.ts';
import type { Userfaultfd } from './userfaultfd/context.ts';
import type { PendingEvent } from './userfaultfd/events.ts';
import type { Mm } from './vma/mm.ts';
import type { Vma } from './vma/vma.ts';
import type { Bugs } from './world/bugs.ts';
import { initTables } from './world/table_page.ts';
import { type SavedWorld, World } from './world/world.ts';
import { type WorldSize, worldSize } from './world/world_size.ts';

/** What is not in typed arrays: objects that refer to each other. */
interface KernelObjects {
  readonly mms: Registry<Mm>;
  readonly vmas: Registry<Vma>;
  readonly inodes: Registry<Inode>;
  readonly anonVmas: Registry<AnonVma>;
  readonly segments: Registry<Segment>;
  readonly userfaultfds: Registry<Userfaultfd>;
  /** Of each CPU: what the call under way will tell userfaultfd. */
  readonly pendingEvents: readonly PendingEvent[][];
  readonly hugetlb: Hugetlb;
  /** References that are held from outside of page tables and caches, to recount the others. */
  readonly pins: Map<number, number>;
  /** What designs keep, by their names. */
  readonly designData: Map<string, object>;
}

/** A state of a machine, as `save()` made it. */
export interface Saved {
  readonly world: SavedWorld;
  readonly objects: KernelObjects;
}

export class Machine extends World {
  /** Designs of shared page tables that are on, in the order in which they are asked. */
  readonly designs: readonly Design[];
  /** Whether any of them may follow an address space (mmu notifiers). */
  readonly hasNotifiers: boolean;
  #objects: KernelObjects;
  /** What was brought back last, and what the objects are then. */
  #restored: { readonly from: Saved; readonly objects: Replica<KernelObjects> } | undefined;

  constructor(
    size: Partial<WorldSize> & Pick<WorldSize, 'format'>,
    bugs: Bugs = {},
    designs: readonly Design[] = [],
  ) {
    super(worldSize(size), bugs);
    this.designs = designs;
    this.mayShareTables = designs.length > 0;
    this.hasNotifiers = designs.some(({ notifier }) => notifier !== undefined);
    this.secondary = designs.flatMap(({ invalidateSecondary }) => invalidateSecondary ?? []);
    initFrames(this);
    initTables(this);
    initSwap(this);
    this.freeHugetlb = (cpu, head) => freeHugeFolio(this, cpu, head);
    const { cpus, mms, vmas, inodes, anonVmas, userfaultfds } = this.size;
    this.#objects = {
      mms: new Registry(mms, cpus),
      vmas: new Registry(vmas, cpus),
      inodes: new Registry(inodes, cpus),
      anonVmas: new Registry(anonVmas, cpus),
      segments: new Registry(inodes, cpus),
      userfaultfds: new Registry(userfaultfds, cpus),
      pendingEvents: Array.from({ length: cpus }, () => []),
      pins: new Map(),
      designData: new Map(),
      hugetlb: newHugetlb(this.format, vmas, cpus, this.size.hugeSizes),
    };
    initHugePages(this);
  }

  get mms(): Registry<Mm> {
    return this.#objects.mms;
  }

  get vmas(): Registry<Vma> {
    return this.#objects.vmas;
  }

  get inodes(): Registry<Inode> {
    return this.#objects.inodes;
  }

  get anonVmas(): Registry<AnonVma> {
    return this.#objects.anonVmas;
  }

  get segments(): Registry<Segment> {
    return this.#objects.segments;
  }

  get userfaultfds(): Registry<Userfaultfd> {
    return this.#objects.userfaultfds;
  }

  get pendingEvents(): readonly PendingEvent[][] {
    return this.#objects.pendingEvents;
  }

  get hugetlb(): Hugetlb {
    return this.#objects.hugetlb;
  }

  get pins(): Map<number, number> {
    return this.#objects.pins;
  }

  get designData(): Map<string, object> {
    return this.#objects.designData;
  }

  save(): Saved {
    return { world: this.saveWorld(), objects: cloneGraph(this.#objects) };
  }

  /** Objects of before may be others after, or may be found in another state: look them up anew. */
  restore(saved: Saved): void {
    this.restoreWorld(saved.world);
    if (this.#restored?.from !== saved || !this.#restored.objects.reset()) {
      this.#restored = { from: saved, objects: new Replica(saved.objects) };
    }
    this.#objects = this.#restored.objects.root;
  }
}
