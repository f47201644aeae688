/** Workloads whose processes have in common what they had when they were forked. */
import type { HostSnapshot, MappedObject, Mm } from '../snapshot/records.ts';
import { AddressSpace } from './address_space.ts';
import { fileObject, hostOf, processOf } from './host.ts';
import { GIB, MIB, type Workload, type WorkloadSize, wholeTables } from './workload.ts';

const BINARY = 0x5_5555_5000;
const HEAP = 0x5_5560_0000;
const ARENA = 0x7_f000_0000;
const LIBRARIES = 0x7_f7f0_0000;
const STACK = 0x7_ffff_0000;
const SLOT_PAGES = 512;
/** Content ids are counted per table: far enough apart that two arenas never meet. */
const CONTENT_FIRST = 1;

interface Forked {
  readonly comm: string;
  readonly commandLine: string;
  readonly cgroup: string;
  readonly libraries: number;
  /** Pages of the arena, and how many of them the process has written to since the fork. */
  readonly arenaPages: number;
  readonly writtenPages: number;
  readonly heapPages: number;
  /** Content of the arena's first table. */
  readonly content: number;
}

function forkedProcess(pid: number, parentPid: number, forked: Forked): Mm {
  const { libraries, arenaPages, writtenPages, heapPages, content } = forked;
  const space = new AddressSpace();
  space.mapLibrary(0, BINARY);
  space.map({ start: HEAP, pages: heapPages, label: '[heap]' });
  if (writtenPages > 0) space.map({ start: ARENA, pages: writtenPages });
  space.map({
    start: ARENA + writtenPages,
    pages: arenaPages - writtenPages,
    content: content + writtenPages / SLOT_PAGES,
  });
  for (let library = 0; library < libraries; library++) {
    space.mapLibrary(1 + library, LIBRARIES + library * 700);
  }
  space.map({ start: STACK, pages: 33, populated: 5, label: '[stack]' });
  return processOf(space, { pid, parentPid, ...forked });
}

function libraryObjects(binary: string, count: number): MappedObject[] {
  return Array.from({ length: count + 1 }, (_, index) =>
    fileObject(index === 0 ? binary : `/usr/lib/libexample${index}.so`, 400_000 + index),
  );
}

export const forkServer: Workload = {
  id: 'fork-server',
  title: 'A server that forks a worker for each job',
  story:
    'The parent has loaded its program and data into private memory; each worker is a fork of it, ' +
    'and has written to one page in fifty of what it got.',
  processesAre: 'workers, besides their parent',
  bytesAre: 'private memory of the parent',
  usual: { processes: 64, bytes: 4 * GIB },
  bytesMax: 256 * GIB,
  host({ processes, bytes }: WorkloadSize): HostSnapshot {
    const arenaPages = wholeTables(bytes);
    const written = wholeTables(bytes / 50);
    const forked = {
      comm: 'gunicorn',
      commandLine: 'gunicorn: worker [app]',
      cgroup: '/system.slice/app.service',
      libraries: 40,
      arenaPages,
      heapPages: 300,
      content: CONTENT_FIRST,
    };
    const mms = Array.from({ length: processes + 1 }, (_, index) =>
      forkedProcess(1000 + index, index === 0 ? 1 : 1000, {
        ...forked,
        writtenPages: index === 0 ? 0 : Math.min(written, arenaPages),
      }),
    );
    return hostOf('fork-server.example', libraryObjects('/usr/bin/python3.11', 40), mms);
  },
};

export const zygote: Workload = {
  id: 'zygote',
  title: 'Applications forked from one process that has loaded all libraries',
  story:
    'As on Android: the zygote maps two hundred libraries and a boot heap, and every application is ' +
    'a fork of it with a heap of its own.',
  processesAre: 'applications, besides the zygote',
  bytesAre: 'the boot heap',
  usual: { processes: 80, bytes: 96 * MIB },
  bytesMax: 256 * GIB,
  host({ processes, bytes }: WorkloadSize): HostSnapshot {
    const forked = {
      cgroup: '/apps',
      libraries: 200,
      arenaPages: wholeTables(bytes),
      writtenPages: 0,
      content: CONTENT_FIRST,
    };
    const mms = Array.from({ length: processes + 1 }, (_, index) =>
      forkedProcess(1000 + index, index === 0 ? 1 : 1000, {
        ...forked,
        comm: index === 0 ? 'zygote64' : 'app',
        commandLine: index === 0 ? 'zygote64' : `com.example.app${index}`,
        heapPages: index === 0 ? 300 : 8192,
      }),
    );
    return hostOf('zygote.example', libraryObjects('/system/bin/app_process64', 200), mms);
  },
};

export const snapshotStore: Workload = {
  id: 'snapshot-store',
  title: 'In-memory stores, each being saved by a fork of itself',
  story:
    'A store holds its data in private memory; a fork of it writes them to disk while the parent ' +
    'goes on, and has written to one page in twenty since.',
  processesAre: 'stores, each with the child that saves it',
  bytesAre: 'data of a store',
  usual: { processes: 4, bytes: 64 * GIB },
  bytesMax: 256 * GIB,
  host({ processes, bytes }: WorkloadSize): HostSnapshot {
    const arenaPages = wholeTables(bytes);
    const written = Math.min(wholeTables(bytes / 20), arenaPages);
    const mms = Array.from({ length: processes }, (_, index) => {
      const forked = {
        comm: 'redis-server',
        cgroup: `/system.slice/redis@${index}.service`,
        libraries: 8,
        arenaPages,
        heapPages: 300,
        content: CONTENT_FIRST + index * (arenaPages / SLOT_PAGES),
      };
      const pid = 1000 + 2 * index;
      return [
        forkedProcess(pid, 1, { ...forked, commandLine: 'redis-server', writtenPages: written }),
        forkedProcess(pid + 1, pid, {
          ...forked,
          commandLine: 'redis-rdb-bgsave',
          writtenPages: 0,
        }),
      ];
    });
    return hostOf('store.example', libraryObjects('/usr/bin/redis-server', 8), mms.flat());
  },
};
