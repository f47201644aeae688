/** The designs of shared page tables that a race or a script can run under. */
import * as designs from '../designs/index.ts';
import { ScriptError } from '../script/script_error.ts';
import type { SessionOptions } from '../script/session.ts';

type Plugged = Pick<SessionOptions, 'designs' | 'mshare'>;

interface Choice {
  readonly title: string;
  /** The design without what was found wrong with this one. */
  readonly fix?: string;
  readonly plug: () => Plugged;
}

const mshare = (variant: designs.MshareVariant): Plugged => ({
  mshare: { api: designs, variant },
});

/** By name. Guests and granular huge pages are missing: no call of a script makes them. */
const CHOICES: ReadonlyMap<string, Choice> = new Map([
  ['none', { title: 'none: Linux 6.18', plug: () => ({}) }],
  [
    '2006',
    {
      title: 'shared page tables of 2006, as reviewed',
      plug: () => ({ designs: [designs.shared2006(designs.REVIEWED)] }),
    },
  ],
  [
    '2006-posted',
    {
      title: 'shared page tables of 2006, as posted in May',
      fix: '2006',
      plug: () => ({ designs: [designs.shared2006(designs.POSTED_MAY_2006)] }),
    },
  ],
  [
    'on-demand-fork',
    {
      title: 'on-demand-fork, 2021',
      plug: () => ({ designs: [designs.onDemandFork(designs.ON_DEMAND_FORK)] }),
    },
  ],
  [
    'cow-pte',
    {
      title: 'COW-PTE, 2022',
      plug: () => ({ designs: [designs.onDemandFork(designs.COW_PTE)] }),
    },
  ],
  ['mshare-v2', { title: 'mshare v2', fix: 'mshare-mended', plug: () => mshare(designs.V2) }],
  ['mshare-v3', { title: 'mshare v3', fix: 'mshare-mended', plug: () => mshare(designs.V3) }],
  ['mshare-mended', { title: 'mshare, mended', plug: () => mshare(designs.MENDED) }],
]);

/** To choose from, the first being none. */
export function designItems(): { readonly id: string; readonly title: string }[] {
  return [...CHOICES].map(([id, { title }]) => ({ id, title }));
}

/** What a session plugs in. @throws ScriptError */
export function pluggedIn(design: string): Plugged {
  return choiceOf(design).plug();
}

/** The design without what is known to be wrong with it, if anything is. @throws ScriptError */
export function fixOf(design: string): string | undefined {
  return choiceOf(design).fix;
}

function choiceOf(design: string): Choice {
  const choice = CHOICES.get(design);
  if (choice !== undefined) return choice;
  const known = [...CHOICES.keys()].join(', ');
  throw new ScriptError(`There is no design called ${design}`, `Choose one of ${known}`);
}
