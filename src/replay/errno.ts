/** Names of what the engine may return. @source uapi/asm-generic/errno-base.h, errno.h */
const NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  3: 'ESRCH',
  5: 'EIO',
  9: 'EBADF',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  16: 'EBUSY',
  17: 'EEXIST',
  19: 'ENODEV',
  22: 'EINVAL',
  27: 'EFBIG',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'EOPNOTSUPP',
  133: 'EHWPOISON',
};

/** Of a negative errno. */
export function errnoName(errno: number): string {
  return NAMES[-errno] ?? `errno ${-errno}`;
}
