/** Which files a fleet is made of: files, folders, globs, and manifests that list such. */
import { open, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { fileFailure, wrongUse } from '../failure.ts';

const MEND =
  'Pass files of `ptshare host --save`, a folder or a pattern of such, a dataset, or a list of them';
const PARQUET_MAGIC = 'PAR1';
const MANIFEST_BYTES_MAX = 2 ** 25;

/**
 * @returns paths, each once, sorted
 * @throws Failure if a path is not there, or nothing is found
 */
export async function findFiles(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    for (const file of await filesAt(path, true)) found.add(file);
  }
  if (found.size === 0) {
    throw wrongUse(`Cannot report on ${paths.join(', ')}: no Parquet file is there`, MEND);
  }
  return [...found].sort();
}

/** @param mayList whether a file that is no Parquet file is a manifest */
async function filesAt(path: string, mayList: boolean): Promise<string[]> {
  const stats = await stat(path).catch((error: unknown) => {
    if (isDynamicPattern(path)) return undefined;
    throw fileFailure(`read ${path}`, error, MEND);
  });
  if (stats === undefined) return globFiles([path], '.');
  if (stats.isDirectory()) return globFiles(['**/*.parquet'], path);
  if (!mayList || (await isParquet(path))) return [resolve(path)];
  if (stats.size > MANIFEST_BYTES_MAX) {
    throw wrongUse(`Cannot read ${path}: it is no Parquet file, and too large for a list`, MEND);
  }
  return listedFiles(path, await readFile(path));
}

function globFiles(patterns: string[], cwd: string): Promise<string[]> {
  return glob(patterns, { cwd, absolute: true, expandDirectories: false });
}

async function isParquet(path: string): Promise<boolean> {
  const file = await open(path).catch((error: unknown) => {
    throw fileFailure(`read ${path}`, error, MEND);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1', 0, bytesRead) === PARQUET_MAGIC;
  } finally {
    await file.close();
  }
}

/** One path or pattern a line, seen from the manifest's folder; `#` begins a comment. */
async function listedFiles(manifest: string, content: Uint8Array): Promise<string[]> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw wrongUse(`Cannot read ${manifest}: it is neither a Parquet file nor a list`, MEND);
  }
  const lines = text
    .split(/\r?\n/)
    .map((line, i) => ({ line: line.trim(), number: i + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));
  const files: string[] = [];
  for (const { line, number } of lines) {
    if (line.includes('\0')) {
      throw wrongUse(`Cannot read ${manifest}:${number}: it is neither Parquet nor a path`, MEND);
    }
    const path = isAbsolute(line) ? line : resolve(dirname(manifest), line);
    try {
      files.push(...(await filesAt(path, false)));
    } catch (error) {
      if (error instanceof Error) error.message += ` (listed in ${manifest}:${number})`;
      throw error;
    }
  }
  return files;
}
