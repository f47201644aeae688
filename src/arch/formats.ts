/** Every page-table format; `id` is that of the geometry with the same shape, where there is one. */
import {
  arm64Granule4k39Bit,
  arm64Granule4k48Bit,
  arm64Granule16k47Bit,
  arm64Granule16k48Bit,
  arm64Granule64k42Bit,
  arm64Granule64k48Bit,
} from './arm64.ts';
import type { PteFormat } from './format.ts';
import { ppc64Radix4k, ppc64Radix64k } from './ppc64_radix.ts';
import { riscv64Sv39, riscv64Sv48, riscv64Sv57 } from './riscv64.ts';
import { x86_64FiveLevel, x86_64FourLevel } from './x86_64.ts';

export const FORMATS: readonly PteFormat[] = [
  x86_64FourLevel,
  x86_64FiveLevel,
  arm64Granule4k39Bit,
  arm64Granule4k48Bit,
  arm64Granule16k47Bit,
  arm64Granule16k48Bit,
  arm64Granule64k42Bit,
  arm64Granule64k48Bit,
  riscv64Sv39,
  riscv64Sv48,
  riscv64Sv57,
  ppc64Radix4k,
  ppc64Radix64k,
];

export function formatById(id: string): PteFormat | undefined {
  return FORMATS.find((format) => format.id === id);
}
