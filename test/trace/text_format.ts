/** Reads the text format of protobuf, which `protoc --decode` prints, into objects. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Every field is repeated; scalars are text. */
export interface Message {
  readonly [field: string]: readonly (Message | string)[];
}

/** What `protoc` makes of the bytes. Fields that it does not know have numbers for names. */
export function decodeByProtoc(bytes: Uint8Array): Message {
  const folder = fileURLToPath(new URL('../../../test/trace/', import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    'protoc',
    [`--proto_path=${folder}`, '--decode=Trace', `${folder}perfetto.proto`],
    { input: bytes, encoding: 'utf8', maxBuffer: 2 ** 30 },
  );
  if (status !== 0) throw new Error(`protoc refuses it: ${stderr}`);
  return parse(stdout.split('\n'));
}

function parse(lines: readonly string[]): Message {
  const root: Record<string, (Message | string)[]> = {};
  const stack = [root];
  for (const line of lines) {
    const text = line.trim();
    const top = stack.at(-1)!;
    if (text === '}') stack.pop();
    else if (text.endsWith(' {')) {
      const message = {};
      add(top, text.slice(0, -2), message);
      stack.push(message);
    } else if (text !== '') {
      const colon = text.indexOf(': ');
      add(top, text.slice(0, colon), unquoted(text.slice(colon + 2)));
    }
  }
  return root;
}

function add(to: Record<string, (Message | string)[]>, field: string, value: Message | string) {
  to[field] ??= [];
  to[field].push(value);
}

/** Bytes that are not printable ASCII are octal escapes. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  const bytes = text
    .slice(1, -1)
    .replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)))
    .replace(/\\(.)/g, (_, letter) => ({ n: '\n', r: '\r', t: '\t' })[letter as string] ?? letter);
  return Buffer.from(bytes, 'latin1').toString();
}
