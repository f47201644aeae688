/** A guest whose page tables KVM shadows. */
import type { MachineScenario, Program } from '../check/index.ts';
import {
  addMemslot,
  createVm,
  enterGuest,
  guestEntry,
  guestLoad,
  guestStore,
  guestTable,
  kvm,
  setGuestTables,
} from '../designs/index.ts';
import { type Bugs, run, store } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race } from './small_machine.ts';

const [READ, WRITE] = [false, true];
/** Guest pages: the root; a table that both its entries lead to; two below that; memory. */
const [ROOT, MIDDLE, FIRST, SECOND] = [0, 1, 2, 3];
export const [ONE, OTHER] = [4, 5];
const PAGES = 6;
/** What the guest has in memory: the same table is to be written below in one way, and not in the other. */
const TABLES: readonly (readonly [gfn: number, word: number])[] = [
  [ROOT, guestTable(guestEntry(MIDDLE, WRITE), guestEntry(MIDDLE, READ))],
  [MIDDLE, guestTable(guestEntry(FIRST, READ), guestEntry(SECOND, WRITE))],
  [FIRST, guestTable(guestEntry(ONE, WRITE))],
  [SECOND, guestTable(guestEntry(OTHER, WRITE), guestEntry(FIRST, WRITE))],
];
/** Virtual pages: by the root's first entry, and by its second; the table that leads to `ONE`. */
export const VIRTUAL = { one: 0, other: 4, oneReadOnly: 16, otherReadOnly: 20, table: 5 } as const;

/** One program on each CPU, in a process that has made a virtual machine with these tables. */
export function shadowRace(programs: readonly Program[], bugs: Bugs): MachineScenario {
  const size = { guests: 1, flush: 'broadcast', frames: 32 } as const;
  const mapped = [[PAGE, PAGE + PAGES]] as const;
  const touched = Array.from({ length: PAGES }, (_, gfn) => PAGE + gfn);
  return race(programs, { ...size, mapped, touched, designs: [kvm] }, bugs, (task) => {
    const id = run(createVm(task, 'ept-4level'));
    addMemslot(task.machine, id, { gfn: 0, pages: PAGES, hva: PAGE, isFollowed: false });
    for (const [gfn, word] of TABLES) run(store(task, PAGE + gfn, word));
    setGuestTables(task.machine, id, ROOT);
  });
}

const guestRunning: Program = {
  name: 'guest',
  *run(task) {
    yield* enterGuest(task, 0);
    yield* guestLoad(task, 0, VIRTUAL.one);
    yield* guestStore(task, 0, VIRTUAL.other, 7);
    yield* guestLoad(task, 0, VIRTUAL.oneReadOnly);
    yield* guestStore(task, 0, VIRTUAL.otherReadOnly, 8);
  },
};

export const inheritsLastRights: ZooEntry = {
  id: 'D14',
  aliases: ['CVE-2021-38198', 'b1bd5cba3306'],
  title: 'KVM lets two parents with different rights share the shadow of one table',
  bug: 'kvmInheritsLastRights',
  properties: ['P-PERM'],
  actors: [
    'a guest without a second-level table, whose root leads to one table twice: to be written below, ' +
      'and read-only; it reads and writes in the first way, then reads and writes in the second',
  ],
  story:
    'Hardware walks shadow pages in place of the tables of the guest. A shadow page is found by its table ' +
    'and by the rights that the entries above it have left; shadow entries that lead to others allow ' +
    'everything, so only this keeps rights apart. But all shadow pages of a walk were given the rights ' +
    'that its last table has. A walk through a read-only entry below made a shadow page for the table ' +
    'above that said read-only, too, and writable memory was mapped below it next. When the guest came to ' +
    'the same table by a read-only entry, this shadow page was the one that was looked for: it wrote to ' +
    'what its tables protect, without a page fault. The mend: each shadow page has the rights of the walk ' +
    'down to its table. Whoever shares a table among parents has to ask for the rights of each.',
  fix: 'b1bd5cba3306',
  versions: '2.6.20 to 5.12',
  bounds: '1 CPU, 1 process, 1 guest with 4 tables, 4 operations',
  scenario: (isBroken) => shadowRace([guestRunning], { kvmInheritsLastRights: isBroken }),
};
