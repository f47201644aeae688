/**
 * Telling who follows guests (KVM, devices) of changes in the host.
 *
 * v3 does not: a guest's notifiers hear of what happens to the guest, and a host changes without that.
 * Sean Christopherson (7 October 2024) asks for it; under which locks is open. The host is changed
 * under its mmap lock or under i_mmap_rwsem of an object, and guests are found by i_mmap of the region.
 *
 * An invalidation has to end for all whom it has begun for, and nobody may come to see the region in
 * between: so the list may not change meanwhile. The mmap locks of guests are no help: they come before
 * that of the host.
 *
 * @source Sean Christopherson, 7 October 2024; Anthony Yznaga, 8 October 2024
 */
import type { Place } from '../../mm/file/filemap.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../../mm/notifier/notifier.ts';
import type { InvalidatedRange, NotifierOps } from '../../mm/notifier/subscription.ts';
import {
  lockShared,
  lockSharedNested,
  Rank,
  unlockShared,
  unlockSharedNested,
} from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { guestRanges } from './flush.ts';
import { dataOf, type Region, regionOfHost } from './region.ts';
import type { MshareVariant } from './variant.ts';

/** What the host's own subscription does. Its number is that of the host. */
export function forwarder({ forwards }: MshareVariant): NotifierOps {
  const isKept = forwards === 'i-mmap-kept';
  return {
    *rangeStart(place, { id }, range) {
      const region = regionOfHost(place.machine, id);
      if (region === undefined) return true;
      yield* lockGuests(place, region);
      yield* tellGuests(place, region, range, true);
      if (!isKept) yield* unlockGuests(place, region);
      return true;
    },
    *rangeEnd(place, { id }, range) {
      const region = regionOfHost(place.machine, id);
      if (region === undefined) return;
      if (!isKept) yield* lockGuests(place, region);
      yield* tellGuests(place, region, range, false);
      yield* unlockGuests(place, region);
    },
  };
}

function* tellGuests(
  place: Place,
  region: Region,
  { start, end, event }: InvalidatedRange,
  isStart: boolean,
): Op<void> {
  const { machine } = place;
  for (const guest of guestRanges(machine, region, start, end)) {
    const mm = machine.mms.get(guest.mm);
    if (isStart) yield* invalidateRangeStart(place, mm, guest.start, guest.end, event);
    else yield* invalidateRangeEnd(place, mm, guest.start, guest.end, event);
  }
}

/**
 * Locks the list of guests, for reading. What may be held of the kind was locked before by all: i_mmap
 * of an object, or of the region already.
 */
function* lockGuests({ machine, cpu }: Place, region: Region): Op<void> {
  const guard = machine.objects.iMmapLock(region.inode);
  const isNested = (machine.heldRanks[cpu]! & Rank.I_MMAP) !== 0;
  dataOf(machine).nested[cpu]!.push(isNested);
  if (isNested) yield* lockSharedNested(machine, cpu, guard, Rank.I_MMAP);
  else yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
}

function* unlockGuests({ machine, cpu }: Place, region: Region): Op<void> {
  const guard = machine.objects.iMmapLock(region.inode);
  const isNested = dataOf(machine).nested[cpu]!.pop();
  if (isNested === true) yield* unlockSharedNested(machine, guard);
  else yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
}
