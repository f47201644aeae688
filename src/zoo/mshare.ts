/** mshare: orders and locks that were posted or proposed, and do not hold. */
import { MENDED, type MshareVariant, V3 } from '../designs/index.ts';
import type { ZooEntry } from './entry.ts';
import {
  advisingDontneed,
  detaching,
  pinningIn,
  type RegionProgram,
  type RegionRace,
  regionRace,
  storingIn,
  unmappingObject,
} from './small_region.ts';

const UNMERGED = 'none: mshare is not merged';

/** The race under the variant that is wrong, and under the one that differs in the mistake only. */
function between(
  wrong: MshareVariant,
  right: MshareVariant,
  setting: RegionRace,
  programs: readonly RegionProgram[],
): Pick<ZooEntry, 'scenario'> {
  return { scenario: (isBroken) => regionRace(isBroken ? wrong : right, setting, programs) };
}

const LINKED: RegionRace = { guests: 1, linked: 1, flush: 'broadcast' };

export const shareDroppedBeforeClear: ZooEntry = {
  id: 'S1',
  aliases: ['mshare-share-count-before-clear'],
  title: 'mshare v3: the share count drops before the entry of the guest is cleared',
  properties: ['P-UAF-PT'],
  actors: ['munmap() of an attached region', 'MSHAREFS_UNMAP of the only object in it'],
  story:
    'A guest that detaches drops the share count of the PUD table, then clears its entry, and flushes ' +
    'when it finishes. Meanwhile another process takes the last object out of the region: it finds a ' +
    'count of 0, flushes every CPU and frees the table. CPUs of the guest can walk into the table ' +
    'again after that flush, as long as the entry is there, and cache where it leads: the grace period ' +
    'ends when the guest drops page_table_lock, which is before its own flush. Cleared first, the ' +
    'entry is gone before anybody can see a count of 0, and the flush of all CPUs comes after that. ' +
    'Found by this search; nobody seems to have reported it (v3 13/22, 19 August 2025).',
  fix: undefined,
  versions: UNMERGED,
  bounds: '2 CPUs, 2 processes, 1 guest, 1 page, 2 operations, flushes by broadcast',
  ...between({ ...MENDED, unlink: 'zap' }, MENDED, LINKED, [detaching(), unmappingObject]),
};

export const freedWhileLinked: ZooEntry = {
  id: 'S2',
  aliases: ['mshare-no-share-count'],
  title: 'mshare v2: the PUD table of a region is freed while guests are linked to it',
  properties: ['P-UAF-PT'],
  actors: ['a store to a page of an attached region', 'MSHAREFS_UNMAP of the only object in it'],
  story:
    'Before v3 nothing told the host that guests refer to its tables. With the last object of 512 GiB ' +
    'the PUD table was freed, and each guest went on walking through it. Since v3 12/22 the table has ' +
    'a share count, and is kept, still linked in the host, while that is not 0.',
  fix: 'v3 12/22',
  versions: UNMERGED,
  bounds: '2 CPUs, 2 processes, 1 guest, 1 page, 2 operations, flushes by broadcast',
  ...between({ ...MENDED, countsShares: false }, MENDED, LINKED, [
    storingIn(0, 7),
    unmappingObject,
  ]),
};

export const hostMaskFlush: ZooEntry = {
  id: 'S3',
  aliases: ['mshare-host-mask'],
  title: 'mshare: the host is flushed like every other address space',
  properties: ['P-UAF-PAGE'],
  actors: ['a store to a page of an attached region', 'MSHAREFS_UNMAP of the page'],
  story:
    'No CPU ever runs the host, so its CPU mask is empty, and a flush of it reaches nobody: guests keep ' +
    'the translations, tagged as their own. v3 08/22 registers a notifier on the host that flushes ' +
    'every CPU.',
  fix: 'v3 08/22',
  versions: UNMERGED,
  bounds: '2 CPUs, 2 processes, 1 guest, 1 page, 2 operations',
  ...between({ ...MENDED, flush: 'host-mask' }, MENDED, { guests: 1, linked: 1 }, [
    storingIn(0, 7),
    unmappingObject,
  ]),
};

export const guestsMissedByFlush: ZooEntry = {
  id: 'S4',
  aliases: ['mshare-guests-in-i-mmap'],
  title: 'mshare: guests are found by i_mmap, which one that detaches leaves before it flushes',
  properties: ['P-UAF-PAGE', 'P-UAF-PT'],
  actors: ['munmap() of an attached region', 'MSHAREFS_UNMAP of the only object in it'],
  story:
    'Flushing those who have the region attached would spare the others (Dave Hansen, 2 October 2024). ' +
    'But munmap() takes the VMA out of i_mmap before it flushes. Who unmaps an object in between does ' +
    'not find the guest, and frees pages that its TLB still has. A guest has to flush what it ' +
    'unlinks before its VMA leaves i_mmap.',
  fix: undefined,
  versions: 'none: a proposal',
  bounds: '2 CPUs, 2 processes, 1 guest, 1 page, 2 operations, flushes by broadcast',
  ...between(
    { ...MENDED, flush: 'guests' },
    { ...MENDED, flush: 'guests', unlink: 'zap-flush-first' },
    LINKED,
    [detaching(), unmappingObject],
  ),
};

export const gupWithGuestLocks: ZooEntry = {
  id: 'S5',
  aliases: ['mshare-gup-with-guest-locks'],
  title: 'mshare: GUP walks the tables of the host with locks of the guest only',
  properties: ['P-UAF-PT', 'P-UAF-PAGE'],
  actors: ['GUP of a page of an attached region', 'MSHAREFS_UNMAP of the page'],
  story:
    'The mmap lock of a process keeps its page tables from being freed, which all walks rely on. Those ' +
    'below an attached region belong to the host, and only its lock keeps them. Jann Horn (30 May ' +
    '2025): walkers must bail out of such VMAs, or take the locks of the host, too.',
  fix: undefined,
  versions: UNMERGED,
  bounds: '2 CPUs, 2 processes, 1 guest, 1 page, 2 operations, flushes by broadcast',
  ...between({ ...MENDED, gup: 'guest-locks' }, { ...MENDED, gup: 'host-locks' }, LINKED, [
    pinningIn(0),
    unmappingObject,
  ]),
};

export const dontneedThroughGuest: ZooEntry = {
  id: 'S6',
  aliases: ['mshare-madv-dontneed'],
  title: 'mshare: MADV_DONTNEED clears entries of the host through a guest',
  properties: ['P-COUNT', 'P-UAF-PAGE', 'P-UAF-PT'],
  actors: ['MADV_DONTNEED on an attached region in one guest', 'a store to the page in another'],
  story:
    'Zapped as in any VMA, a page of the region counts as one of the guest, which never had it, and only ' +
    "the guest's CPUs are flushed. The hook of v3 (unmap_page_range) drops the link instead: the next " +
    'access links again, and nothing is discarded. Anthony Yznaga (9 September 2025) means to refuse ' +
    'advice on attached regions altogether.',
  fix: 'v3 11/22',
  versions: UNMERGED,
  bounds: '2 CPUs, 3 processes, 2 guests, 1 page, 2 operations',
  ...between({ ...V3, dontneed: 'generic' }, V3, { guests: 2, linked: 2 }, [
    advisingDontneed(0),
    storingIn(1, 5),
  ]),
};
