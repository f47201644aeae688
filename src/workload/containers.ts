/** Containers of one image: the same files, mapped by processes that know nothing of each other. */
import type { HostSnapshot, Mm } from '../snapshot/records.ts';
import { PROT } from '../uapi/mman.ts';
import { AddressSpace } from './address_space.ts';
import { fileObject, hostOf, processOf } from './host.ts';
import { GIB, type Workload, type WorkloadSize, wholeTables } from './workload.ts';

const LIBRARIES = 60;
/** How far apart address space layout randomisation places what two containers map, at least. */
const RANDOM_PAGES = 512;

export const containers: Workload = {
  id: 'containers',
  title: 'A fleet of containers of one image',
  story:
    'Every container maps the files of the same image, which overlayfs gives the same inodes, at ' +
    'addresses of its own: two MiB apart, as layout randomisation would, so that tables line up.',
  processesAre: 'containers of one process',
  bytesAre: 'a file of the image that all of them map: a model, an archive of classes',
  usual: { processes: 200, bytes: 2 * GIB },
  bytesMax: 512 * GIB,
  host({ processes, bytes }: WorkloadSize): HostSnapshot {
    const pages = wholeTables(bytes);
    const objects = [
      fileObject('/opt/image/model.bin', 400_000),
      ...Array.from({ length: LIBRARIES }, (_, index) =>
        fileObject(`/usr/lib/libexample${index}.so`, 400_001 + index),
      ),
    ];
    const mms = Array.from({ length: processes }, (_, index) => container(pages, index));
    return hostOf('containers.example', objects, mms);
  },
};

function container(pages: number, index: number): Mm {
  const space = new AddressSpace();
  const shift = (index % 64) * RANDOM_PAGES;
  space.map({ start: 0x5_5560_0000 + shift, pages: 4096, label: '[heap]' });
  space.map({ start: 0x7_c000_0000 + shift, pages, object: 0, protection: PROT.READ });
  for (let library = 0; library < LIBRARIES; library++) {
    space.mapLibrary(1 + library, 0x7_f700_0000 + shift + library * 700);
  }
  space.map({ start: 0x7_ffff_0000, pages: 33, populated: 5, label: '[stack]' });
  return processOf(space, {
    pid: 1000 + index,
    comm: 'server',
    commandLine: '/opt/image/server',
    cgroup: `/kubepods.slice/pod${index}`,
  });
}
