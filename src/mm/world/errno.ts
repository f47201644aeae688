/** Results of calls: 0 or a negative number. @source include/uapi/asm-generic/errno.h */
export const EPERM = -1;
export const ESRCH = -3;
export const EBADF = -9;
export const EAGAIN = -11;
export const ENOMEM = -12;
export const EACCES = -13;
export const EFAULT = -14;
export const EBUSY = -16;
export const EEXIST = -17;
export const ENODEV = -19;
export const EINVAL = -22;
export const EFBIG = -27;
export const ENOSPC = -28;
export const EOVERFLOW = -75;
export const EOPNOTSUPP = -95;
