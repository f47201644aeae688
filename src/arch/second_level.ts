/** Formats of second-level tables, which map what a guest takes for physical memory. */
import { eptFiveLevel, eptFourLevel } from './ept.ts';
import type { PteFormat } from './format.ts';
import { nptFiveLevel, nptFourLevel } from './npt.ts';

export const SECOND_LEVEL_FORMATS: readonly PteFormat[] = [
  eptFourLevel,
  eptFiveLevel,
  nptFourLevel,
  nptFiveLevel,
];

export function secondLevelFormat(id: string): PteFormat | undefined {
  return SECOND_LEVEL_FORMATS.find((format) => format.id === id);
}
