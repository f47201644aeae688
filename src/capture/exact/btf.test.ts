import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/live/at_end.ts';
import { judgedTest, programs, tableWalk } from '../../../test/live/judge.ts';
import { Btf } from './btf.ts';

/** Every kind of type that the parser has to step over stands before the last structure. */
const TYPES = `
#include <stddef.h>
enum colour { RED, GREEN };
typedef int (*callback)(char, const volatile long *);
union either { int number; double real; };
struct later;
struct inner { char letter; struct { short deep; union { int first; long long second; }; }; };
struct bits { unsigned int low : 3, high : 7; int behind; };
struct outer {
  enum colour colour; callback call; union either either; struct later *later;
  struct inner table[3]; struct bits bits; struct { char pad; long hidden; }; float last;
};
`;
const MEMBERS: readonly (readonly [string, string])[] = [
  ['inner', 'letter'],
  ['inner', 'deep'],
  ['inner', 'first'],
  ['inner', 'second'],
  ['bits', 'behind'],
  ['outer', 'colour'],
  ['outer', 'call'],
  ['outer', 'either'],
  ['outer', 'later'],
  ['outer', 'table'],
  ['outer', 'bits'],
  ['outer', 'hidden'],
  ['outer', 'last'],
];

judgedTest('Btf finds members where the C compiler put them', [programs('gcc', 'objcopy')], () => {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder, name);
  const offsets = MEMBERS.map(([type, member]) => `offsetof(struct ${type}, ${member})`);
  writeFileSync(
    path('types.c'),
    `${TYPES} struct outer instance;
    #include <stdio.h>
    int main(void) {
      size_t numbers[] = { ${[...offsets, 'sizeof(struct outer)'].join()} };
      for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) printf("%zu ", numbers[i]);
    }`,
  );
  execFileSync('gcc', ['-gbtf', '-o', path('types'), path('types.c')]);
  execFileSync('objcopy', ['--dump-section', `.BTF=${path('types.btf')}`, path('types')]);

  const btf = new Btf(readFileSync(path('types.btf')));

  const seen = MEMBERS.map(([type, member]) => btf.offsetOf(type, member));
  const expected = execFileSync(path('types'), { encoding: 'utf8' }).trim().split(' ').map(Number);
  assert.deepEqual([...seen, btf.sizeOf('outer')], expected);
});

judgedTest('Btf says which structure or member it does not know', [tableWalk], () => {
  const btf = new Btf(readFileSync('/sys/kernel/btf/vmlinux'));
  assert.throws(() => btf.offsetOf('task_struct', 'colour'), /does not know task_struct.colour/);
  assert.throws(() => btf.offsetOf('colour_struct', 'red'), /does not know struct colour_struct/);
});

test('Btf refuses what is not BTF', () => {
  assert.throws(() => new Btf(Buffer.alloc(64)), /does not start with BTF magic/);
  assert.throws(() => new Btf(Buffer.alloc(0)), /does not start with BTF magic/);
});
