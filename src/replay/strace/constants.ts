/** Constants in the arguments of calls that concern address spaces, by their names. */
import { FALLOC, MFD, MFD_HUGE_SHIFT, O } from '../../uapi/files.ts';
import { MADV, MAP, MAP_SHARED_VALIDATE, MCL, MLOCK, MREMAP, MS, PROT } from '../../uapi/mman.ts';
import { type Names, named } from '../../uapi/named.ts';
import { CLONE } from '../../uapi/sched.ts';
import { IPC_PRIVATE, SHM, SHMCTL, SHMGET } from '../../uapi/shm.ts';

/** @source uapi/linux/{mman,sched,fcntl,memfd,falloc,shm,ipc,resource}.h and those of x86 (Linux 6.18) */
const CONSTANTS: Names = {
  ...named('PROT_', PROT),
  PROT_NONE: 0,
  ...named('MAP_', MAP),
  ...{ MAP_SHARED_VALIDATE, MAP_FILE: 0, MAP_ABOVE4G: 0x80, MAP_EXECUTABLE: 0x1000 },
  ...{ MFD_HUGE_SHIFT, MAP_HUGE_SHIFT: 26, SHM_HUGE_SHIFT: 26 },
  ...named('MREMAP_', MREMAP),
  ...named('MADV_', MADV),
  ...named('MCL_', MCL),
  ...named('MLOCK_', MLOCK),
  ...named('MS_', MS),
  ...{ CSIGNAL: 0xff, SIGCHLD: 17, SIGUSR1: 10, SIGUSR2: 12 },
  ...named('CLONE_', CLONE),
  ...{ CLONE_FS: 0x200, CLONE_SIGHAND: 0x800 },
  ...{ CLONE_PIDFD: 0x1000, CLONE_PTRACE: 0x2000, CLONE_VFORK: 0x4000, CLONE_PARENT: 0x8000 },
  ...{ CLONE_NEWNS: 0x20000, CLONE_SYSVSEM: 0x40000 },
  ...{ CLONE_SETTLS: 0x80000, CLONE_PARENT_SETTID: 0x100000, CLONE_CHILD_CLEARTID: 0x200000 },
  ...{ CLONE_DETACHED: 0x400000, CLONE_UNTRACED: 0x800000, CLONE_CHILD_SETTID: 0x1000000 },
  ...{ CLONE_NEWCGROUP: 0x2000000, CLONE_NEWUTS: 0x4000000, CLONE_NEWIPC: 0x8000000 },
  ...{ CLONE_NEWUSER: 0x10000000, CLONE_NEWPID: 0x20000000, CLONE_NEWNET: 0x40000000 },
  ...{ CLONE_IO: 1 << 31, CLONE_CLEAR_SIGHAND: 0, CLONE_INTO_CGROUP: 0 },
  ...named('O_', O),
  ...{ O_ACCMODE: 3, O_NOCTTY: 0x100, O_APPEND: 0x400, O_NONBLOCK: 0x800, O_DSYNC: 0x1000 },
  ...{ O_ASYNC: 0x2000, O_DIRECT: 0x4000, O_LARGEFILE: 0x8000, O_DIRECTORY: 0x10000 },
  ...{ O_NOFOLLOW: 0x20000, O_NOATIME: 0x40000, O_CLOEXEC: 0x80000, O_SYNC: 0x101000 },
  ...{ O_PATH: 0x200000, O_TMPFILE: 0x410000 },
  ...{ F_DUPFD: 0, F_GETFD: 1, F_SETFD: 2, F_DUPFD_CLOEXEC: 1030, FD_CLOEXEC: 1 },
  ...named('MFD_', MFD),
  ...{ CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 },
  ...named('FALLOC_FL_', FALLOC),
  ...{ IPC_PRIVATE, IPC_CREAT: 0x200, IPC_EXCL: 0x400, IPC_NOWAIT: 0x800, IPC_64: 0x100 },
  ...SHMCTL,
  ...{ IPC_SET: 1, IPC_STAT: 2, IPC_INFO: 3 },
  ...{ SHM_STAT: 13, SHM_INFO: 14, SHM_STAT_ANY: 15 },
  ...named('SHM_', SHMGET),
  ...named('SHM_', SHM),
};

const BY_NAME = new Map(Object.entries(CONSTANTS));

export function constantOf(name: string): number | undefined {
  return BY_NAME.get(name);
}
