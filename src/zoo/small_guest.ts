/** What the machines of races about secondary MMUs are made of: a guest of KVM, or a device. */
import type { MachineScenario, Program } from '../check/index.ts';
import {
  addMemslot,
  bindDevice,
  createVm,
  deviceLoad,
  deviceStore,
  enterGuest,
  guestLoad,
  guestStore,
  iommu,
  kvm,
} from '../designs/index.ts';
import { type Bugs, run, type Task } from '../mm/index.ts';
import { PAGE, race, type Setting } from './small_machine.ts';

/** The guest page whose memory is `PAGE`, and those behind it. */
export const GFN = 0;

export interface GuestSetting extends Omit<Setting, 'designs' | 'guests' | 'mapped'> {
  readonly mapped?: Setting['mapped'];
  /** How many pages the guest has. */
  readonly pages?: number;
  /** Guest pages that the guest has written to before: their entries are there. */
  readonly entered?: readonly number[];
  /** Whether its pages are looked up by their entries. */
  readonly isFollowed?: boolean;
}

/** A race in a process that has made a virtual machine of its pages from `PAGE` on. */
export function guestRace(
  programs: readonly Program[],
  { pages = 1, entered = [], isFollowed = false, mapped, ...setting }: GuestSetting,
  bugs: Bugs,
  prepare?: (task: Task) => void,
): MachineScenario {
  const own = mapped ?? [[PAGE, PAGE + pages] as const];
  return race(programs, { ...setting, mapped: own, guests: 1, designs: [kvm] }, bugs, (task) => {
    const id = run(createVm(task, 'ept-4level'));
    addMemslot(task.machine, id, { gfn: GFN, pages, hva: PAGE, isFollowed });
    prepare?.(task);
    for (const gfn of entered) run(guestStore(task, id, gfn, 1));
  });
}

/** A race in a process whose addresses a device uses, too. */
export function deviceRace(
  programs: readonly Program[],
  setting: Omit<Setting, 'designs' | 'devices'>,
  bugs: Bugs,
): MachineScenario {
  return race(programs, { ...setting, devices: 1, designs: [iommu] }, bugs, (task) => {
    run(bindDevice(task, 0));
  });
}

export const guestRunning: Program = {
  name: 'guest runs',
  run: (task) => enterGuest(task, 0),
};

export const guestStoring = (value: number, gfn = GFN): Program => ({
  name: `guest stores ${value}`,
  *run(task) {
    yield* enterGuest(task, 0);
    yield* guestStore(task, 0, gfn, value);
  },
});

export const guestLoading = (gfn = GFN): Program => ({
  name: 'guest loads',
  *run(task) {
    yield* enterGuest(task, 0);
    yield* guestLoad(task, 0, gfn);
  },
});

export const deviceStoring = (page: number, value: number): Program => ({
  name: `device stores ${value}`,
  run: (task) => deviceStore(task, 0, page, value),
});

export const deviceLoading = (page: number): Program => ({
  name: 'device loads',
  run: (task) => deviceLoad(task, 0, page),
});
