/** What /proc and images show of a replay: the processes that are left, and their files. */
import { basename } from 'node:path';
import type { Inode } from '../../mm/index.ts';
import type { FileName, ProcHost, ProcProcess } from '../../procfs/index.ts';
import type { Replay } from '../../replay/index.ts';
import { DEVICES } from '../run/proc_host.ts';

const NAME_LENGTH = 15;

/** Processes, without their further threads. */
export function processesOf({ threads }: Replay): ProcProcess[] {
  return threads.flatMap(({ pid, parent, isFurther, space }) => {
    if (space?.task === undefined || isFurther) return [];
    const { mm, cpu } = space.task;
    const name = basename(space.program.image?.path ?? 'recorded').slice(0, NAME_LENGTH);
    return [{ pid, parent, name, mm, cpu }];
  });
}

export function procHostOf(replay: Replay): ProcHost {
  const { machine, names } = replay.host;
  const nameOf = (inode: Inode): FileName => ({
    device: DEVICES[inode.fileSystem],
    inode: String(inode.id + 1),
    path: names.get(inode) ?? '/dev/zero (deleted)',
  });
  return { machine, processes: processesOf(replay), nameOf };
}
