/** Races about guests of KVM whose memory is an attached region of mshare. */
import type { MachineScenario } from '../check/index.ts';
import {
  addMemslot,
  createVm,
  enterGuest,
  guestStore,
  kvm,
  MENDED,
  type MshareVariant,
} from '../designs/index.ts';
import { run } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import {
  detaching,
  type RegionProgram,
  type RegionRace,
  regionRace,
  unmappingObject,
} from './small_region.ts';

export interface RegionGuestRace extends RegionRace {
  /** Whether the virtual machine has an entry for the page already. */
  readonly isEntered: boolean;
}

/** As `regionRace()`; the first process that has attached the region has a virtual machine of its page. */
export function regionGuestRace(
  variant: MshareVariant,
  { isEntered, ...setting }: RegionGuestRace,
  programs: readonly RegionProgram[],
): MachineScenario {
  return regionRace(
    variant,
    { ...setting, designs: [kvm], virtualMachines: 1 },
    programs,
    ([task], [guest]) => {
      const id = run(createVm(task!, 'ept-4level'));
      addMemslot(task!.machine, id, { gfn: 0, pages: 1, hva: guest!.page, isFollowed: false });
      if (isEntered) run(guestStore(task!, id, 0, 1));
    },
  );
}

/** What runs in the virtual machine stores a word. */
export const guestStoringIn =
  (value: number): RegionProgram =>
  ({ guests }) => ({
    name: `virtual machine stores ${value}`,
    mm: guests[0]!.mm,
    *run(task) {
      yield* enterGuest(task, 0);
      yield* guestStore(task, 0, 0, value);
    },
  });

/** Mended, and GUP of what is attached walks the host with its locks, so that KVM can use it. */
export const FORWARDING: MshareVariant = {
  ...MENDED,
  name: 'forwarding',
  gup: 'host-locks',
  forwards: 'i-mmap-kept',
};

const ENTERED: RegionGuestRace = { guests: 1, linked: 1, flush: 'broadcast', isEntered: true };
const UNMERGED = 'none: mshare is not merged';

export const nothingForwarded: ZooEntry = {
  id: 'S7',
  aliases: ['mshare-kvm-not-forwarded'],
  title: 'mshare: KVM is not told of what happens in the host of a region',
  properties: ['P-UAF-PAGE'],
  actors: ['a store of a virtual machine whose memory is attached', 'MSHAREFS_UNMAP of the page'],
  story:
    'KVM follows the process that has attached the region. What the region has changes in the host, ' +
    'whose notifiers are others: v3 flushes every TLB of CPUs then, and tells nobody who follows a guest. ' +
    'The entry of the virtual machine stays, and its memory is freed. David Hildenbrand (7 October ' +
    '2024): "MMU notifiers for all MMs must be called"; v3 has it as to be done.',
  fix: undefined,
  versions: UNMERGED,
  bounds: '2 CPUs, 2 processes, 1 virtual machine, 1 page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    regionGuestRace(isBroken ? { ...FORWARDING, forwards: 'no' } : FORWARDING, ENTERED, [
      guestStoringIn(7),
      unmappingObject,
    ]),
};

export const forwardedByHalves: ZooEntry = {
  id: 'S8',
  aliases: ['mshare-forwarded-by-halves'],
  title:
    'mshare: a guest that detaches is told of the start of an invalidation, and not of its end',
  properties: ['P-LIVE', 'P-COUNT'],
  actors: ['munmap() of an attached region', 'MSHAREFS_UNMAP of the page'],
  story:
    'The host forwards start and end to the guests that i_mmap of the region lists, and takes its lock ' +
    'for each of the two. A guest that detaches in between is not in the list at the end. KVM goes ' +
    'on counting an invalidation that is under way: from then on each fault of the virtual machine ' +
    'in that range is tried again, for ever. The list has to stand still from start to end.',
  fix: undefined,
  versions: 'none: a proposal',
  bounds: '2 CPUs, 2 processes, 1 virtual machine, 1 page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    regionGuestRace(
      { ...FORWARDING, forwards: isBroken ? 'i-mmap' : 'i-mmap-kept' },
      { ...ENTERED, isEntered: false },
      [detaching(), unmappingObject],
    ),
};

export const REGION_GUESTS: readonly ZooEntry[] = [nothingForwarded, forwardedByHalves];
