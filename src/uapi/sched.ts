/** clone(2). @source uapi/linux/sched.h */
export const CLONE = { VM: 0x100, FILES: 0x400, THREAD: 0x10000 } as const;
