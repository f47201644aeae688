import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type MapsLine, parseMaps } from './maps.ts';
import { ProcSyntaxError } from './syntax.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../../src/proc/golden/${name}.maps.txt`, import.meta.url), 'utf8');

/** Writes lines as show_map_vma() does; the name stands in column 73 or behind one space. */
function render(lines: readonly MapsLine[]): string {
  const hex = (pages: number): string => (BigInt(pages) * 4096n).toString(16).padStart(8, '0');
  return lines
    .map((line) => {
      const flag = (bit: number, letter: string): string => (line.protection & bit ? letter : '-');
      const rights = `${flag(1, 'r')}${flag(2, 'w')}${flag(4, 'x')}${line.shared ? 's' : 'p'}`;
      const range = `${hex(line.start)}-${hex(line.end)} ${rights} ${hex(line.offset)}`;
      const left = `${range} ${line.device} ${line.inode} `;
      const name = line.name.replaceAll('\n', '\\012') + (line.deleted ? ' (deleted)' : '');
      return name === '' ? `${left}\n` : `${left.padEnd(73)}${name}\n`;
    })
    .join('');
}

for (const name of ['postgres', 'nasty']) {
  test(`parseMaps() loses nothing of the maps of ${name}`, () => {
    assert.equal(render(parseMaps(golden(name), 4096)), golden(name));
  });
}

test('parseMaps() loses nothing of the maps of any process on this host', () => {
  let read = 0;
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/maps`, 'utf8');
    } catch {
      continue;
    }
    assert.equal(render(parseMaps(text, 4096)), text);
    read++;
  }
  assert.ok(read > 0);
});

test('parseMaps() reads a segment of PostgreSQL', () => {
  const line = parseMaps(golden('postgres'), 4096).find(({ name }) => name === '/dev/zero');
  assert.deepEqual(line, {
    start: 0x7f83a92a9,
    end: 0x7f83cb8bf,
    protection: 3,
    shared: true,
    offset: 0,
    device: '00:01',
    inode: '2763',
    name: '/dev/zero',
    deleted: true,
  });
});

test('parseMaps() restores a newline in a name, and takes off one "(deleted)"', () => {
  const names = parseMaps(golden('nasty'), 4096).map(({ name }) => name);
  assert.ok(names.includes('/a\nnewline'));
  assert.ok(names.includes('/x (deleted)'));
  assert.ok(names.includes('/opt/two words/a  b'));
});

test('parseMaps() is exact at the end of a 57-bit address space', () => {
  const line = parseMaps(golden('nasty'), 4096).find(({ start }) => start === 2 ** 45 - 1);
  assert.equal(line?.end, 2 ** 45);
});

test('parseMaps() counts pages of 64 KiB', () => {
  const [line] = parseMaps('ffff80000000-ffff80010000 r--p 00020000 00:00 0 \n', 65536);
  assert.deepEqual([line?.start, line?.end, line?.offset], [0xffff8000, 0xffff8001, 2]);
});

const refused: ReadonlyArray<readonly [what: string, text: string]> = [
  ['a line that was cut', '00400000-00401000 r-xp 00000000 fe:00 5'],
  ['an empty line', '\n'],
  ['a text that is none of it', 'No such process\n'],
  ['a mapping of nothing', '00401000-00401000 r-xp 00000000 fe:00 5 \n'],
  ['an end before its start', '00402000-00401000 r-xp 00000000 fe:00 5 \n'],
  ['an address within a page', '00400001-00401000 r-xp 00000000 fe:00 5 \n'],
  ['an address of 17 digits', '00400000-10000000000000000 r-xp 00000000 fe:00 5 \n'],
  ['capital digits', '0040A000-0040B000 r-xp 00000000 fe:00 5 \n'],
  ['a permission that does not exist', '00400000-00401000 rqxp 00000000 fe:00 5 \n'],
  ['a device of one number', '00400000-00401000 r-xp 00000000 fe00 5 \n'],
  ['no inode', '00400000-00401000 r-xp 00000000 fe:00 \n'],
  [
    'mappings that overlap',
    '00400000-00402000 r-xp 00000000 fe:00 5 \n00401000-00403000 r-xp 00000000 fe:00 5 \n',
  ],
];
for (const [what, text] of refused) {
  test(`parseMaps() refuses ${what}`, () => {
    assert.throws(() => parseMaps(text, 4096), ProcSyntaxError);
  });
}

test('parseMaps() says which line it refuses, and shows no more than its beginning', () => {
  const good = '00400000-00401000 r-xp 00000000 fe:00 5 \n';
  assert.throws(
    () => parseMaps(`${good}${'x'.repeat(1_000_000)}\n`, 4096),
    (error: Error) => {
      assert.match(error.message, /^Cannot parse maps:2: .*: current line is "xxx/);
      assert.ok(error.message.length < 300);
      return true;
    },
  );
});
