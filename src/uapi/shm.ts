/** Segments of System V. @source uapi/linux/shm.h, uapi/linux/ipc.h */

/** Of shmget(2). */
export const SHMGET = { HUGETLB: 0o4000, NORESERVE: 0o10000 } as const;
/** Of shmat(2). */
export const SHM = { RDONLY: 0o10000, RND: 0o20000, REMAP: 0o40000, EXEC: 0o100000 } as const;
/** Of shmctl(2). */
export const SHMCTL = { IPC_RMID: 0, SHM_LOCK: 11, SHM_UNLOCK: 12 } as const;
export const IPC_PRIVATE = 0;
