/**
 * The ioctls of msharefs as bytes: numbers, structures, their layout on x86-64.
 *
 * @source v3 18/22, 19/22 include/uapi/linux/msharefs.h; asm-generic/ioctl.h
 */

/** _IOW(type, number, size): bits 30-31 say that it is written, 16-29 the size. */
const iow = (type: string, number: number, bytes: number): number =>
  0x40000000 + bytes * 0x10000 + type.charCodeAt(0) * 0x100 + number;

const CREATE_BYTES = 40;
const UNMAP_BYTES = 16;

export const MSHAREFS = {
  CREATE_MAPPING: iow('x', 0, CREATE_BYTES),
  UNMAP: iow('x', 1, UNMAP_BYTES),
} as const;

/** struct mshare_create */
export interface MshareCreate {
  /** Where in the region, in bytes. */
  readonly regionOffset: number;
  readonly size: number;
  /** Where in the file. */
  readonly offset: number;
  readonly prot: number;
  readonly flags: number;
  readonly fd: number;
}

/** struct mshare_unmap */
export interface MshareUnmap {
  readonly regionOffset: number;
  readonly size: number;
}

/** Three words of 64 bits, three of 32, and padding. */
export function encodeCreate(create: MshareCreate): Uint8Array {
  const bytes = new Uint8Array(CREATE_BYTES);
  const view = new DataView(bytes.buffer);
  const longs = [create.regionOffset, create.size, create.offset];
  longs.forEach((value, at) => {
    view.setBigUint64(at * 8, BigInt.asUintN(64, BigInt(value)), true);
  });
  [create.prot, create.flags, create.fd].forEach((value, at) => {
    view.setUint32(24 + at * 4, value >>> 0, true);
  });
  return bytes;
}

export function encodeUnmap({ regionOffset, size }: MshareUnmap): Uint8Array {
  const bytes = new Uint8Array(UNMAP_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, BigInt(regionOffset)), true);
  view.setBigUint64(8, BigInt.asUintN(64, BigInt(size)), true);
  return bytes;
}

/** `undefined` if that is not all readable (EFAULT). Numbers above 2^53 lose their last bits. */
export function decodeCreate(bytes: Uint8Array | undefined): MshareCreate | undefined {
  if (bytes === undefined || bytes.length < CREATE_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, CREATE_BYTES);
  const long = (at: number): number => Number(view.getBigUint64(at, true));
  return {
    regionOffset: long(0),
    size: long(8),
    offset: long(16),
    prot: view.getUint32(24, true),
    flags: view.getUint32(28, true),
    fd: view.getInt32(32, true),
  };
}

export function decodeUnmap(bytes: Uint8Array | undefined): MshareUnmap | undefined {
  if (bytes === undefined || bytes.length < UNMAP_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, UNMAP_BYTES);
  return {
    regionOffset: Number(view.getBigUint64(0, true)),
    size: Number(view.getBigUint64(8, true)),
  };
}
