/**
 * A database: processes that all map one fully populated System V segment at the same address, as
 * PostgreSQL or Oracle do, besides what every process maps.
 *
 * It can be counted by hand. A segment of 300 GiB needs 153,600 PTE tables in each process: of
 * 1500 processes 943,718,400,000 bytes. Its whole tree, once, is 153,600 PTE tables, 300 PMD tables
 * and 1 PUD table: 630,378,496 bytes.
 *
 * @source mshare v3, cover letter, August 2025: 300 GB of SGA, 1500 clients
 */
import type { HostSnapshot, MappedObject, Mm } from '../snapshot/records.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { AddressSpace } from './address_space.ts';
import { fileObject, hostOf, processOf } from './host.ts';
import { GIB, type Workload, type WorkloadSize, wholeTables } from './workload.ts';

/** A multiple of 512 GiB: up to that size a segment needs one PUD table, of its own. */
const SEGMENT_START = 0x7e80_0000_0000 / PAGE_BYTES;
const LIBRARIES = 12;

export const database: Workload = {
  id: 'database',
  title: 'A database with a backend for each connection',
  story:
    'Every backend maps the same System V segment at the same address, and has touched all of it: ' +
    'the buffer pool of PostgreSQL or Oracle with 4 KiB pages.',
  processesAre: 'backends',
  bytesAre: 'the segment',
  usual: { processes: 1500, bytes: 300 * GIB },
  bytesMax: 1000 * GIB,
  host: databaseHost,
};

export function databaseHost({ processes, bytes }: WorkloadSize): HostSnapshot {
  const segment: MappedObject = {
    kind: 'sysv',
    name: '/SYSV0052e2c1',
    device: '00:01',
    inode: '32768',
    deleted: true,
    pageBytes: PAGE_BYTES,
  };
  const libraries = Array.from({ length: LIBRARIES + 1 }, (_, index) =>
    fileObject(
      index === 0 ? '/usr/lib/postgresql/bin/postgres' : `/usr/lib/libexample${index}.so`,
      400_000 + index,
    ),
  );
  const pages = wholeTables(bytes);
  const mms = Array.from({ length: processes }, (_, index) => backend(pages, index));
  return hostOf('database.example', [segment, ...libraries], mms);
}

function backend(segmentPages: number, index: number): Mm {
  const space = new AddressSpace();
  space.mapLibrary(1, 0x5_5555_5000);
  space.map({ start: 0x5_5560_0000, pages: 200 + (index % 300), label: '[heap]' });
  // One content for all: the same frames stand in the same places everywhere.
  space.map({ start: SEGMENT_START, pages: segmentPages, shared: true, object: 0, content: 1 });
  for (let library = 0; library < LIBRARIES; library++) {
    space.mapLibrary(2 + library, 0x7_f7f0_0000 + library * 700);
  }
  space.map({ start: 0x7_ffff_0000, pages: 33, populated: 5, label: '[stack]' });
  return processOf(space, {
    pid: 1000 + index,
    parentPid: 1000,
    comm: 'postgres',
    commandLine: `postgres: user database 10.0.0.${index % 256}(${40_000 + index}) idle`,
    cgroup: '/system.slice/postgresql.service',
  });
}
