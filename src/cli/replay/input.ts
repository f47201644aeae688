/** Recordings as chunks of text: of files, standard input, compressed or not. */
import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import zlib from 'node:zlib';
import { ExitCode, Failure, fileFailure, wrongUse } from '../failure.ts';

const CHUNK_BYTES = 2 ** 18;
const STREAM = { highWaterMark: CHUNK_BYTES };
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/**
 * Reads a recording. A failure to read or decompress it ends the iteration. A chunk is good until the
 * next one is asked for.
 *
 * @throws Failure
 */
export async function* readChunks(
  name: string,
  mend = 'Name a file that strace recorded',
): AsyncGenerator<Buffer> {
  try {
    const file = name === '-' ? undefined : await open(name);
    const isPlain = file !== undefined && (await isPlainFile(file));
    if (isPlain) yield* inPlace(file);
    else yield* decompressed(file?.createReadStream(STREAM) ?? process.stdin);
  } catch (error) {
    throw readFailure(name, error, mend);
  }
}

/** Whether it is not compressed, and can be read from wherever one wants. */
async function isPlainFile(file: FileHandle): Promise<boolean> {
  const stats = await file.stat();
  if (!stats.isFile()) return false;
  const { bytesRead, buffer } = await file.read(Buffer.alloc(ZSTD.length), 0, ZSTD.length, 0);
  const start = buffer.subarray(0, bytesRead);
  return !startsWith(start, GZIP) && !startsWith(start, ZSTD);
}

/** Into the same memory again and again: new buffers pile up until they are collected. */
async function* inPlace(file: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  try {
    for (let position = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function readFailure(name: string, error: unknown, mend: string): unknown {
  if (error instanceof Failure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_') || code.startsWith('ZSTD_')) {
    return wrongUse(
      `Cannot decompress ${name}: it is damaged or cut off`,
      'Record or copy it anew',
    );
  }
  return fileFailure(`read ${name}`, error, mend);
}

async function* decompressed(source: Readable): AsyncGenerator<Buffer> {
  try {
    yield* await opened(source);
  } finally {
    source.destroy();
  }
}

/** By the first bytes. */
async function opened(source: Readable): Promise<AsyncIterable<Buffer>> {
  const iterator = source.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  let start = Buffer.alloc(0);
  while (start.length < ZSTD.length) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  const whole = rejoined(start, iterator);
  if (startsWith(start, GZIP)) return through(whole, zlib.createGunzip({ chunkSize: CHUNK_BYTES }));
  if (startsWith(start, ZSTD)) return unzstd(whole);
  return whole;
}

function startsWith(bytes: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

async function* rejoined(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  yield* rest;
}

function through(
  whole: AsyncIterable<Buffer>,
  transform: NodeJS.ReadWriteStream,
): AsyncIterable<Buffer> {
  const end = new PassThrough({ highWaterMark: CHUNK_BYTES });
  pipeline(whole, transform, end, () => {});
  return end;
}

/** Newer versions of Node can do it; for others there is zstd(1). */
function unzstd(whole: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  if ('createZstdDecompress' in zlib) {
    const create = zlib.createZstdDecompress as () => NodeJS.ReadWriteStream;
    return through(whole, create());
  }
  return byProgram(whole);
}

async function* byProgram(whole: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const program = spawn('zstd', ['--decompress', '--stdout', '--quiet'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    program.once('error', reject);
    program.once('close', resolve);
  });
  // Whoever reads learns of it; nobody may be there to.
  ended.catch(() => {});
  pipeline(whole, program.stdin, () => {});
  try {
    yield* program.stdout;
    if ((await ended) === 0) return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new Failure(
      ExitCode.CANNOT_RUN,
      'Cannot decompress zstd: this version of Node cannot, and zstd is not installed',
      'Install zstd, or decompress the recording before',
    );
  } finally {
    program.kill();
  }
  throw wrongUse('Cannot decompress the recording: zstd says that it is damaged', 'Record it anew');
}
