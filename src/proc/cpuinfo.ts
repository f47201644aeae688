/** `/proc/cpuinfo`: what decides the depth of the page tables and whether their root is doubled. */

export interface Cpuinfo {
  /** x86: features in use. Linux takes `la57` off where it runs with four levels. */
  readonly flags: ReadonlySet<string>;
  /** riscv: `sv39`, `sv48` or `sv57`; '' elsewhere. */
  readonly mmu: string;
}

export function parseCpuinfo(text: string): Cpuinfo {
  return {
    flags: new Set(/^flags\s*: (.*)$/m.exec(text)?.[1]?.split(' ')),
    mmu: /^mmu\s*: (\w+)$/m.exec(text)?.[1] ?? '',
  };
}
