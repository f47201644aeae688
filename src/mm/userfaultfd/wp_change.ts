/** What a change of entries does to the write protection for userfaultfd. */
import { type LeafFlags, UFFD_WP, W } from '../../arch/index.ts';

/** @source include/linux/mm.h MM_CP_UFFD_WP, MM_CP_UFFD_WP_RESOLVE (Linux 6.18) */
export const WpChange = { NONE: 0, PROTECT: 1, RESOLVE: 2 } as const;
export type WpChange = (typeof WpChange)[keyof typeof WpChange];

/** The flags of an entry that is changed. What is write-protected is not written to. */
export function flagsOfWp(flags: LeafFlags, wp: WpChange): LeafFlags {
  if (wp === WpChange.RESOLVE) return flags & ~UFFD_WP;
  const noted = wp === WpChange.PROTECT ? flags | UFFD_WP : flags;
  return (noted & UFFD_WP) === 0 ? noted : noted & ~W;
}
