/** What /proc shows of a session: its processes, and what files are called there. */
import type { FileSystem, Inode } from '../../mm/index.ts';
import type { FileName, ProcHost } from '../../procfs/index.ts';
import type { Session } from '../../script/index.ts';

/** A disk, a tmpfs, and the file systems that the kernel keeps for itself. */
export const DEVICES: Readonly<Record<FileSystem, string>> = {
  ext4: '08:01',
  tmpfs: '00:19',
  shmem: '00:01',
  hugetlbfs: '00:10',
  msharefs: '00:1f',
};
const NAME = 'scenario';

export function procHostOf(session: Session): ProcHost {
  return {
    machine: session.machine,
    get processes() {
      return session.processes().map(({ pid, parent, task }) => ({
        pid,
        parent,
        name: NAME,
        mm: task.mm,
        cpu: task.cpu,
      }));
    },
    nameOf: (inode) => nameOf(session, inode),
  };
}

function nameOf({ inodeNames }: Session, inode: Inode): FileName {
  return {
    device: DEVICES[inode.fileSystem],
    inode: String(inode.id + 1),
    path: inodeNames.get(inode) ?? '/dev/zero (deleted)',
  };
}
