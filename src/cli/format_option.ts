/** Which page tables a simulated machine has. */
import { Option } from 'commander';
import { FORMATS } from '../arch/index.ts';
import { hasBasePages } from '../script/index.ts';

/** Formats whose base pages are those of system calls. */
const FORMAT_IDS = FORMATS.filter(hasBasePages).map(({ id }) => id);

export function formatOption(): Option {
  return new Option('--format <id>', 'of page tables').choices(FORMAT_IDS).default(FORMAT_IDS[0]);
}
