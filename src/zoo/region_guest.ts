/** Races about guests of KVM whose memory is an attached region of mshare. */
import type { MachineScenario } from '../check/index.ts';
import {
  addMemslot,
  createVm,
  enterGuest,
  guestStore,
  kvm,
  type MshareVariant,
} from '../designs/index.ts';
import { run } from '../mm/index.ts';
import { type RegionProgram, type RegionRace, regionRace } from './small_region.ts';

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
