/** What a descriptor stands for. */
import type { MappedFile } from '../vma/vma.ts';

/** An open file, as far as memory management cares. */
export interface OpenFile {
  /** `undefined` for what cannot be mapped: directories, pipes. */
  readonly mapped: MappedFile | undefined;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  /** Not mounted with noexec. */
  readonly isExecutable: boolean;
  /** What its file system lets a file have at most. */
  readonly pagesMax: number;
}
