/** What is known of a file before it is read: its size, and what it begins with. */
import { DEFAULT_LIMITS } from '../snapshot/limits.ts';
import { DocumentError } from './document_error.ts';

export const MEND = 'Open a file that host, run or check of ptshare wrote';

/** Before any byte is read. @throws DocumentError */
export function checkSize(name: string, bytes: number): void {
  if (bytes > DEFAULT_LIMITS.fileBytes) {
    throw new DocumentError(`${name} is larger than anything ptshare writes`, MEND);
  }
  if (bytes === 0) throw new DocumentError(`${name} is empty`, MEND);
}

/** Whether a file that begins so is a trace, which can be read while it arrives. */
export function isTrace(bytes: Uint8Array): boolean {
  return beginsWith(bytes, 'ptstrace');
}

export function beginsWith(bytes: Uint8Array, magic: string): boolean {
  return [...magic].every((letter, at) => bytes[at] === letter.charCodeAt(0));
}
