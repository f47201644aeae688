/** Images of physical memory, judged by QEMU, which reads and writes such files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WalkCursor, walk } from '../../src/arch/index.ts';
import { elfCore, type Image, PhysicalMemory, rawImage } from '../../src/image/index.ts';
import { load, run } from '../../src/mm/index.ts';
import { ptshare } from '../command_line.ts';
import { judgedTest, programs } from '../live/judge.ts';
import { OneProcess, PAGE_BYTES } from '../mm/one_process.ts';

const FIRST = 512 * 9;
const PAGES = 600;

/** A process with small pages, some of them unmapped again; 16 MiB of frames. */
function someProcess(): OneProcess {
  const process = new OneProcess();
  process.map(FIRST, PAGES);
  process.fill(FIRST, PAGES);
  process.map(FIRST + 10, 20, 0);
  return process;
}

function bytesOf({ bytes, chunks }: Image): Buffer {
  const all = Buffer.alloc(bytes);
  for (const chunk of chunks()) all.set(chunk.bytes, chunk.offset);
  return all;
}

test('a walk of the bytes of an image finds the word of every page', () => {
  const { task } = someProcess();
  const { machine, mm } = task;
  const bytes = bytesOf(rawImage(machine));
  const lanes = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const cursor = new WalkCursor();
  const root = (new PhysicalMemory(machine).rootOf(mm) / 8) as Parameters<typeof walk>[2];
  for (let page = FIRST - 1; page <= FIRST + PAGES; page++) {
    const end = walk(machine.format, lanes, root, page as Parameters<typeof walk>[3], cursor);
    const word = run(load(task, page));
    if (word <= 0) assert.equal(cursor.rights, 0);
    else {
      assert.equal(end, 2);
      const frame = machine.format.frame(cursor.low, cursor.high, cursor.level);
      assert.equal(bytes.readUInt32LE(frame * PAGE_BYTES + 1000), word);
    }
  }
});

/** What QEMU's monitor prints for `commands`, with `arguments_` on its command line. */
function askQemu(arguments_: readonly string[], commands: readonly string[]): string {
  const machine = ['-M', 'pc', '-m', '64M', '-accel', 'tcg', '-nodefaults', '-S'];
  const { stdout, status, stderr } = spawnSync(
    'qemu-system-x86_64',
    [...machine, '-display', 'none', '-monitor', 'stdio', ...arguments_],
    { input: [...commands, 'quit', ''].join('\n'), encoding: 'latin1', timeout: 60_000 },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-image-'));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Below, a PC has its video memory. */
const MEBIBYTE = 2 ** 20;

judgedTest('QEMU loads an ELF core to where the raw image has it', [qemu()], () => {
  inFolder((folder) => {
    const { task } = someProcess();
    const { machine, mm } = task;
    const raw = bytesOf(rawImage(machine));
    writeFileSync(join(folder, 'core'), bytesOf(elfCore(machine, [{ pid: 1, mm }])));
    const saved = join(folder, 'saved');
    const length = raw.length - MEBIBYTE;
    askQemu(
      ['-device', `loader,file=${join(folder, 'core')}`],
      [`pmemsave 0x${MEBIBYTE.toString(16)} 0x${length.toString(16)} "${saved}"`],
    );
    assert.ok(raw.subarray(MEBIBYTE).some((byte) => byte !== 0));
    assert.ok(readFileSync(saved).equals(raw.subarray(MEBIBYTE)));
  });
});

judgedTest('CR3 stands where QEMU writes it', [qemu(), programs('readelf')], () => {
  inFolder((folder) => {
    const { task } = someProcess();
    const own = join(folder, 'core');
    const dump = join(folder, 'dump');
    writeFileSync(own, bytesOf(elfCore(task.machine, [{ pid: 7, mm: task.mm }])));
    const registers = askQemu([], ['info registers', `dump-guest-memory ${dump}`]);
    const cr0 = /CR0=([0-9a-f]{8})/.exec(registers)![1]!;
    const [theirs, ours] = [noteOf(dump), noteOf(own)];
    assert.equal(ours.length, theirs.length);
    const at = theirs.length - 48;
    assert.equal(theirs.readUInt32LE(at).toString(16).padStart(8, '0'), cr0);
    assert.equal(
      ours.readBigUInt64LE(at + 24),
      BigInt(new PhysicalMemory(task.machine).rootOf(task.mm)),
    );
  });
});

/** QEMU's note of a CPU in a core, as readelf shows it. */
function noteOf(path: string): Buffer {
  const { stdout } = spawnSync('readelf', ['--wide', '--notes', path], { encoding: 'utf8' });
  const hex = /QEMU .*description data: ([0-9a-f ]+)/.exec(stdout)![1]!;
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function qemu(): ReturnType<typeof programs> {
  return programs('qemu-system-x86_64');
}

test('ptshare run saves images with holes', () => {
  inFolder((folder) => {
    for (const kind of ['raw', 'elf']) {
      const path = join(folder, `memory.${kind}`);
      const { status, stderr } = ptshare(['run', '-', '--image', path], {
        input: 'a = mmap(NULL, 64*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)\nwrite(a)\n',
      });
      assert.equal(status, 0, stderr);
      assert.ok(statSync(path).size > 2 ** 30);
      assert.ok(statSync(path).blocks < 4096);
    }
    const wrong = ptshare(['run', '-', '--image', join(folder, 'memory.txt')], { input: '' });
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /\.raw or \.elf/);
  });
});
