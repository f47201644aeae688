/** What failed calls say, as strace(1) shows it. */

interface Errno {
  readonly name: string;
  readonly meaning: string;
}

/** @source uapi/asm-generic/errno-base.h, errno.h; strerror(3) of glibc */
const ERRNOS: Readonly<Record<number, Errno>> = {
  1: { name: 'EPERM', meaning: 'Operation not permitted' },
  2: { name: 'ENOENT', meaning: 'No such file or directory' },
  3: { name: 'ESRCH', meaning: 'No such process' },
  4: { name: 'EINTR', meaning: 'Interrupted system call' },
  5: { name: 'EIO', meaning: 'Input/output error' },
  9: { name: 'EBADF', meaning: 'Bad file descriptor' },
  11: { name: 'EAGAIN', meaning: 'Resource temporarily unavailable' },
  12: { name: 'ENOMEM', meaning: 'Cannot allocate memory' },
  13: { name: 'EACCES', meaning: 'Permission denied' },
  14: { name: 'EFAULT', meaning: 'Bad address' },
  16: { name: 'EBUSY', meaning: 'Device or resource busy' },
  17: { name: 'EEXIST', meaning: 'File exists' },
  19: { name: 'ENODEV', meaning: 'No such device' },
  21: { name: 'EISDIR', meaning: 'Is a directory' },
  22: { name: 'EINVAL', meaning: 'Invalid argument' },
  24: { name: 'EMFILE', meaning: 'Too many open files' },
  26: { name: 'ETXTBSY', meaning: 'Text file busy' },
  27: { name: 'EFBIG', meaning: 'File too large' },
  28: { name: 'ENOSPC', meaning: 'No space left on device' },
  29: { name: 'ESPIPE', meaning: 'Illegal seek' },
  38: { name: 'ENOSYS', meaning: 'Function not implemented' },
  43: { name: 'EIDRM', meaning: 'Identifier removed' },
  75: { name: 'EOVERFLOW', meaning: 'Value too large for defined data type' },
  95: { name: 'EOPNOTSUPP', meaning: 'Operation not supported' },
  133: { name: 'EHWPOISON', meaning: 'Memory page has hardware error' },
};

/** Of a positive errno. */
export function describeErrno(errno: number): Errno {
  return ERRNOS[errno] ?? { name: `errno ${errno}`, meaning: 'Unknown error' };
}
