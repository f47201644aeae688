/** smaps as blocks, one a VMA. */

export interface Block {
  /** In bytes. */
  readonly start: number;
  readonly text: string;
}

export function vmaBlocks(smaps: string): Block[] {
  return smaps
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((text) => text !== '')
    .map((text) => ({ start: Number.parseInt(text, 16), text }));
}

/** The sum of the lines `name`, in kB. */
export function sumOf(blocks: readonly Block[], name: string): number {
  const line = new RegExp(`^${name}: +(\\d+) kB$`, 'm');
  return blocks.reduce((sum, { text }) => sum + Number(line.exec(text)?.[1] ?? 0), 0);
}
