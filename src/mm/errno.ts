/** Results of calls: 0 or a negative number. @source include/uapi/asm-generic/errno-base.h */
export const ENOMEM = -12;
export const EFAULT = -14;
export const EEXIST = -17;
export const EINVAL = -22;
