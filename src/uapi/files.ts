/** open(2), memfd_create(2) and fallocate(2). */

/** @source uapi/asm-generic/fcntl.h */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
} as const;

/** @source uapi/linux/memfd.h */
export const MFD = {
  CLOEXEC: 1,
  ALLOW_SEALING: 2,
  HUGETLB: 4,
  NOEXEC_SEAL: 8,
  EXEC: 16,
} as const;
/** Above it stands how large a huge page is, as a power of two. @source uapi/asm-generic/hugetlb_encode.h */
export const MFD_HUGE_SHIFT = 26;

/** @source uapi/linux/falloc.h */
export const FALLOC = {
  KEEP_SIZE: 0x1,
  PUNCH_HOLE: 0x2,
  COLLAPSE_RANGE: 0x8,
  ZERO_RANGE: 0x10,
  INSERT_RANGE: 0x20,
  UNSHARE_RANGE: 0x40,
  WRITE_ZEROES: 0x80,
} as const;
