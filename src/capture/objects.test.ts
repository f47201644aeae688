import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMaps } from '../proc/maps.ts';
import { Devices } from './devices.ts';
import { ObjectTable } from './objects.ts';

/** Kernel mounts as on the host whose lines these are: 00:01 shared memory, 00:11 huge pages. */
const internal: Readonly<Record<number, string>> = { 0: '00:01', [2 ** 21]: '00:11' };

function devices(): Devices {
  const native = { internalDevice: (bytes: number) => internal[bytes] };
  const known = new Devices(native, [2 ** 21, 2 ** 30], 2 ** 21);
  known.addMounts([
    { device: '00:1b', fsType: 'tmpfs', hugePageBytes: undefined },
    { device: '00:2f', fsType: 'hugetlbfs', hugePageBytes: 2 ** 30 },
  ]);
  return known;
}

type Fields = readonly [rights: string, device: string, inode: string, name: string];

const line = (...[rights, device, inode, name]: Fields) =>
  parseMaps(`7f0000000000-7f0000001000 ${rights} 00000000 ${device} ${inode} ${name}\n`, 4096)[0]!;

const kinds: ReadonlyArray<readonly [Fields, kind: string, pageBytes?: number]> = [
  [['r-xp', 'fe:00', '7', '/usr/bin/cat'], 'file'],
  [['r-xp', 'fe:00', '7', '/SYSV00000000 (deleted)'], 'file'],
  [['rw-s', '00:1b', '28', '/dev/shm/PostgreSQL.1'], 'shmem'],
  [['rw-s', '00:01', '0', '/SYSV0020c6a3 (deleted)'], 'sysv'],
  [['rw-s', '00:01', '9', '/memfd:x (deleted)'], 'memfd'],
  [['rw-s', '00:01', '9', '/dev/zero (deleted)'], 'shared-anon'],
  [['rw-s', '00:01', '9', '[anon_shmem:pool]'], 'shared-anon'],
  [['rw-s', '00:01', '9', '/drm mm object (deleted)'], 'shmem'],
  [['rw-s', '00:11', '5', '/memfd:x (deleted)'], 'hugetlb', 2 ** 21],
  [['rw-s', '00:11', '5', '/SYSV00000000 (deleted)'], 'hugetlb', 2 ** 21],
  [['rw-p', '00:11', '5', '/anon_hugepage (deleted)'], 'hugetlb', 2 ** 21],
  [['rw-s', '00:2f', '5', '/mnt/huge/segment'], 'hugetlb', 2 ** 30],
  [['rw-s', '00:06', '5', '/dev/nvidia0'], 'device'],
  [['rw-s', '00:06', '5', '/dev/zero'], 'device'],
  [['rw-s', '00:16', '5', '/sys/devices/pci0000:00/0000:00:02.0/resource0'], 'device'],
  [['rw-s', '00:0e', '1', 'anon_inode:[perf_event]'], 'special'],
  [['rw-s', '00:08', '1', 'socket:[77]'], 'special'],
  [['rw-s', '00:13', '1', '/[aio] (deleted)'], 'special'],
  [['r-xp', '00:00', '0', '[vdso]'], 'special'],
];
for (const [fields, kind, pageBytes = 4096] of kinds) {
  test(`${fields.join(' ')} is ${kind}`, () => {
    const table = new ObjectTable(devices(), 4096);
    assert.equal(
      table.indexOf(line(...fields), () => ''),
      0,
    );
    assert.equal(table.objects[0]?.kind, kind);
    assert.equal(table.objects[0]?.pageBytes, pageBytes);
  });
}

const anonymous: readonly Fields[] = [
  ['rw-p', '00:00', '0', ''],
  ['rw-p', '00:00', '0', '[heap]'],
  ['rw-p', '00:00', '0', '[stack]'],
  ['rw-p', '00:00', '0', '[anon:a\\012b]'],
  ['rw-p', '00:06', '5', '/dev/zero'],
];
for (const fields of anonymous) {
  test(`${fields.join(' ')} is anonymous memory`, () => {
    const table = new ObjectTable(devices(), 4096);
    assert.equal(
      table.indexOf(line(...fields), () => ''),
      -1,
    );
    assert.equal(table.objects.length, 0);
  });
}

test('ObjectTable knows an object again by device and inode, whatever its path', () => {
  const table = new ObjectTable(devices(), 4096);
  const index = table.indexOf(line('r--p', 'fe:00', '7', '/a'), () => '');
  assert.equal(
    table.indexOf(line('r-xp', 'fe:00', '7', '/bind/a'), () => ''),
    index,
  );
  assert.notEqual(
    table.indexOf(line('r--p', 'fe:00', '7', '/a (deleted)'), () => ''),
    index,
  );
  assert.notEqual(
    table.indexOf(line('r--p', 'fe:01', '7', '/a'), () => ''),
    index,
  );
});

test('ObjectTable keeps segments of two IPC namespaces apart', () => {
  const table = new ObjectTable(devices(), 4096);
  const segment = line('rw-s', '00:01', '0', '/SYSV00000000 (deleted)');
  const index = table.indexOf(segment, () => 'ipc:[1]');
  assert.equal(
    table.indexOf(segment, () => 'ipc:[1]'),
    index,
  );
  assert.notEqual(
    table.indexOf(segment, () => 'ipc:[2]'),
    index,
  );
});

test('without native calls, names tell what they can', () => {
  const table = new ObjectTable(new Devices(undefined, [2 ** 21], 2 ** 21), 4096);
  const kindOf = (...fields: Fields) =>
    table.objects[table.indexOf(line(...fields), () => '')]?.kind;
  assert.equal(kindOf('rw-s', '00:01', '9', '/dev/zero (deleted)'), 'shared-anon');
  assert.equal(kindOf('rw-p', '00:11', '5', '/anon_hugepage (deleted)'), 'hugetlb');
});
