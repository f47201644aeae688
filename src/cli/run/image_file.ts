/** The physical memory of a machine as a file, of the kind that its name says. */
import { InvalidArgumentError } from 'commander';
import { elfCore, type Image, rawImage } from '../../image/index.ts';
import type { Machine, Mm } from '../../mm/index.ts';
import { writeSparseFile } from '../output_file.ts';
import { withProgress } from '../progress.ts';

const WRITERS: Readonly<Record<string, (shown: Imaged) => Image>> = {
  '.raw': ({ machine }) => rawImage(machine),
  '.elf': ({ machine, processes }) => elfCore(machine, processes),
};
const KINDS = Object.keys(WRITERS);

/** What an image shows. */
export interface Imaged {
  readonly machine: Machine;
  readonly processes: readonly { readonly pid: number; readonly mm: Mm }[];
}

/** What the option says. */
export const IMAGE_HELP = `save physical memory with its page tables: *${KINDS[0]}, or *${KINDS[1]} for an ELF core (docs/procfs.md)`;

/** A path whose kind is known, for commander. */
export function imagePath(path: string): string {
  if (KINDS.some((kind) => path.endsWith(kind))) return path;
  throw new InvalidArgumentError(`A file name that ends in ${KINDS.join(' or ')} is wanted.`);
}

/** @throws Failure if it cannot be written */
export async function saveImage(path: string, shown: Imaged): Promise<void> {
  const kind = KINDS.find((each) => path.endsWith(each))!;
  const image = WRITERS[kind]!(shown);
  await withProgress(`Writing ${path}`, () => writeSparseFile(path, image.bytes, image.chunks()));
}
