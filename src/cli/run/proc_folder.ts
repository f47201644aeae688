/** /proc as files in a folder. Those of words are sparse. */
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ProcHost,
  type ProcNode,
  procTree,
  readWords,
  type WordFile,
} from '../../procfs/index.ts';
import { writeOutputFolder } from '../output_file.ts';
import { withProgress } from '../progress.ts';

const WORD_BYTES = 8;
const CHUNK_WORDS = 8192;

/** @throws Failure if it cannot be written */
export async function saveProc(path: string, host: ProcHost): Promise<void> {
  const tree = procTree(host);
  await withProgress(`Writing ${path}`, () =>
    writeOutputFolder(path, (folder) => writeEntries(folder, tree)),
  );
}

async function writeEntries(path: string, node: ProcNode): Promise<void> {
  if (node.kind !== 'folder') return;
  for (const [name, entry] of node.entries()) await writeNode(join(path, name), entry);
}

async function writeNode(path: string, node: ProcNode): Promise<void> {
  switch (node.kind) {
    case 'folder':
      await mkdir(path);
      return writeEntries(path, node);
    case 'text':
      return writeFile(path, node.render(), 'latin1');
    case 'words':
      return writeWords(path, node.open());
    case 'link':
      return symlink(node.target, path);
  }
}

async function writeWords(path: string, words: WordFile): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.truncate(words.words * WORD_BYTES);
    const chunk = new Uint8Array(CHUNK_WORDS * WORD_BYTES);
    for (const { start, end } of words.extents()) {
      for (let at = start; at < end; at += CHUNK_WORDS) {
        const wanted = chunk.subarray(0, Math.min(CHUNK_WORDS, end - at) * WORD_BYTES);
        const bytes = readWords(words, at * WORD_BYTES, wanted);
        await file.write(chunk, 0, bytes, at * WORD_BYTES);
      }
    }
  } finally {
    await file.close();
  }
}
