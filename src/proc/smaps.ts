/** `/proc/PID/smaps`, of which only the flags are of use: reading the rest is what makes it slow. */

/**
 * @param pageBytes size of a base page
 * @returns first page of each VMA and its two-letter flags
 * @source linux fs/proc/task_mmu.c show_smap_vma_flags()
 */
export function parseVmFlags(text: string, pageBytes: number): ReadonlyMap<number, Set<string>> {
  const flags = new Map<number, Set<string>>();
  let start = 0;
  for (const line of text.split('\n')) {
    const [, address] = /^([0-9a-f]{1,16})-[0-9a-f]{1,16} /.exec(line) ?? [];
    if (address !== undefined) start = Number.parseInt(address, 16) / pageBytes;
    else if (line.startsWith('VmFlags:')) flags.set(start, new Set(line.slice(8).split(' ')));
  }
  return flags;
}
