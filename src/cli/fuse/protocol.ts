/**
 * The messages of FUSE 7.31, as far as a file system needs them that is only read. All numbers are
 * in the byte order of the machine; only little-endian ones are served.
 *
 * @source include/uapi/linux/fuse.h; fuse(4)
 */

export const Opcode = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  READLINK: 5,
  OPEN: 14,
  READ: 15,
  STATFS: 17,
  RELEASE: 18,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  ACCESS: 34,
  INTERRUPT: 36,
  DESTROY: 38,
  BATCH_FORGET: 42,
} as const;

/** Nobody waits for answers to these. */
export const SILENT: readonly number[] = [
  Opcode.FORGET,
  Opcode.BATCH_FORGET,
  Opcode.INTERRUPT,
  Opcode.DESTROY,
];

const IN_HEADER_BYTES = 40;
const OUT_HEADER_BYTES = 16;
const ATTRIBUTES_BYTES = 88;
const MAJOR = 7;
const MINOR = 31;
/** Contents are asked for each time, and sizes do not matter. */
const FOPEN_DIRECT_IO = 1;
const MAX_WRITE = 4096;

/** What a request may need: the kernel refuses to write to less. */
export const REQUEST_BYTES_MAX = 2 ** 16;
export const ROOT_NODE = 1;

export interface Request {
  readonly opcode: number;
  readonly unique: bigint;
  readonly node: number;
  readonly body: Buffer;
}

export function parseRequest(bytes: Buffer): Request {
  return {
    opcode: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    node: Number(bytes.readBigUInt64LE(16)),
    body: bytes.subarray(IN_HEADER_BYTES),
  };
}

/** The name at the start of a body, which ends with a NUL. */
export function nameIn(body: Buffer): string {
  return body.subarray(0, body.indexOf(0)).toString('latin1');
}

export interface ReadRequest {
  readonly handle: number;
  readonly offset: number;
  readonly bytes: number;
}

/** The body of READ, READDIR, RELEASE and RELEASEDIR; the last two have a handle only. */
export function readIn(body: Buffer): ReadRequest {
  return {
    handle: Number(body.readBigUInt64LE(0)),
    offset: Number(body.readBigUInt64LE(8)),
    bytes: body.length < 20 ? 0 : body.readUInt32LE(16),
  };
}

/** @param error 0 or a negative errno */
export function response(unique: bigint, error: number, body: Uint8Array = NOTHING): Buffer {
  const head = Buffer.alloc(OUT_HEADER_BYTES);
  head.writeUInt32LE(OUT_HEADER_BYTES + body.length, 0);
  head.writeInt32LE(error, 4);
  head.writeBigUInt64LE(unique, 8);
  return Buffer.concat([head, body]);
}

const NOTHING = new Uint8Array();

export function initBody(): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(MAJOR, 0);
  body.writeUInt32LE(MINOR, 4);
  body.writeUInt32LE(MAX_WRITE, 20);
  return body;
}

export interface Attributes {
  readonly node: number;
  /** Type and rights, as of stat(2). */
  readonly mode: number;
  readonly bytes: number;
}

function attributes({ node, mode, bytes }: Attributes): Buffer {
  const body = Buffer.alloc(ATTRIBUTES_BYTES);
  body.writeBigUInt64LE(BigInt(node), 0);
  body.writeBigUInt64LE(BigInt(bytes), 8);
  body.writeUInt32LE(mode, 60);
  body.writeUInt32LE(1, 64);
  body.writeUInt32LE(4096, 80);
  return body;
}

/** Valid for no time at all: processes come and go. */
export function entryBody(of: Attributes): Buffer {
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(BigInt(of.node), 0);
  return Buffer.concat([head, attributes(of)]);
}

export function attributesBody(of: Attributes): Buffer {
  return Buffer.concat([Buffer.alloc(16), attributes(of)]);
}

export function openBody(handle: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeBigUInt64LE(BigInt(handle), 0);
  body.writeUInt32LE(FOPEN_DIRECT_IO, 8);
  return body;
}

export function statfsBody(): Buffer {
  const body = Buffer.alloc(80);
  body.writeUInt32LE(4096, 40);
  body.writeUInt32LE(255, 44);
  return body;
}

/** Entry number `index` of a folder, or nothing if it does not fit `bytes`. */
export function directoryEntry(index: number, name: string, type: number): Buffer {
  const length = Buffer.byteLength(name, 'latin1');
  const body = Buffer.alloc(24 + Math.ceil(length / 8) * 8);
  body.writeBigUInt64LE(BigInt(index + 1), 0);
  body.writeBigUInt64LE(BigInt(index + 1), 8);
  body.writeUInt32LE(length, 16);
  body.writeUInt32LE(type, 20);
  body.write(name, 24, 'latin1');
  return body;
}
