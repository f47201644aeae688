/** Answers to the requests of FUSE: a tree of /proc, which is rendered whenever it is looked at. */
import { type ProcNode, readWords, type WordFile } from '../../procfs/index.ts';
import { EINVAL, ENOENT, ENOSYS } from '../../uapi/errno.ts';
import {
  type Attributes,
  attributesBody,
  directoryEntry,
  entryBody,
  initBody,
  nameIn,
  Opcode,
  openBody,
  type Request,
  ROOT_NODE,
  readIn,
  response,
  SILENT,
  statfsBody,
} from './protocol.ts';

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const WORD_BYTES = 8;

const MODES: Readonly<Record<ProcNode['kind'], number>> = {
  folder: S_IFDIR | 0o555,
  text: S_IFREG | 0o444,
  words: S_IFREG | 0o400,
  link: S_IFLNK | 0o777,
};

/** What was opened: what a text said then, or words as they are whenever they are read. */
type Handle = Uint8Array | WordFile | ReadonlyMap<string, ProcNode>;

export class ProcFileSystem {
  /** Nodes by number, and the numbers of paths: the same path has the same number for ever. */
  readonly #nodes = new Map<number, { readonly path: string; readonly node: ProcNode }>();
  readonly #numbers = new Map<string, number>();
  readonly #handles = new Map<number, Handle>();
  #nextHandle = 1;

  constructor(root: ProcNode) {
    this.#nodes.set(ROOT_NODE, { path: '', node: root });
    this.#numbers.set('', ROOT_NODE);
  }

  /** @returns what is to be written back, if anything */
  answer(request: Request): Buffer | undefined {
    if (SILENT.includes(request.opcode)) return undefined;
    const body = this.#bodyFor(request);
    return typeof body === 'number'
      ? response(request.unique, body)
      : response(request.unique, 0, body);
  }

  /** A body, or a negative errno. */
  #bodyFor({ opcode, node, body }: Request): Uint8Array | number {
    switch (opcode) {
      case Opcode.INIT:
        return initBody();
      case Opcode.LOOKUP:
        return this.#lookup(node, nameIn(body));
      case Opcode.GETATTR:
        return this.#with(node, (found) => attributesBody(attributesOf(node, found)));
      case Opcode.READLINK:
        return this.#with(node, (found) =>
          found.kind === 'link' ? Buffer.from(found.target, 'latin1') : EINVAL,
        );
      case Opcode.OPEN:
      case Opcode.OPENDIR:
        return this.#with(node, (found) => openBody(this.#open(found)));
      case Opcode.READ:
        return this.#read(readIn(body));
      case Opcode.READDIR:
        return this.#readFolder(readIn(body));
      case Opcode.RELEASE:
      case Opcode.RELEASEDIR:
        this.#handles.delete(readIn(body).handle);
        return NOTHING;
      case Opcode.STATFS:
        return statfsBody();
      case Opcode.FLUSH:
      case Opcode.ACCESS:
        return NOTHING;
      default:
        return ENOSYS;
    }
  }

  #with(number: number, then: (node: ProcNode) => Uint8Array | number): Uint8Array | number {
    const found = this.#nodes.get(number);
    return found === undefined ? ENOENT : then(found.node);
  }

  #lookup(parent: number, name: string): Uint8Array | number {
    const above = this.#nodes.get(parent);
    if (above?.node.kind !== 'folder') return ENOENT;
    const node = above.node.entries().get(name);
    if (node === undefined) return ENOENT;
    const path = `${above.path}/${name}`;
    const number = this.#numbers.get(path) ?? this.#numbers.size + 1;
    this.#numbers.set(path, number);
    this.#nodes.set(number, { path, node });
    return entryBody(attributesOf(number, node));
  }

  #open(node: ProcNode): number {
    const handle = this.#nextHandle++;
    if (node.kind === 'text') this.#handles.set(handle, Buffer.from(node.render(), 'latin1'));
    else if (node.kind === 'words') this.#handles.set(handle, node.open());
    else if (node.kind === 'folder') this.#handles.set(handle, node.entries());
    return handle;
  }

  #read({ handle, offset, bytes }: ReturnType<typeof readIn>): Uint8Array | number {
    const opened = this.#handles.get(handle);
    if (opened instanceof Uint8Array) return opened.subarray(offset, offset + bytes);
    if (opened === undefined || !('words' in opened)) return EINVAL;
    // As in pagemap_read().
    if (offset % WORD_BYTES !== 0 || bytes % WORD_BYTES !== 0) return EINVAL;
    const into = new Uint8Array(bytes);
    return into.subarray(0, readWords(opened, offset, into));
  }

  #readFolder({ handle, offset, bytes }: ReturnType<typeof readIn>): Uint8Array | number {
    const opened = this.#handles.get(handle);
    if (!(opened instanceof Map)) return EINVAL;
    const entries: Buffer[] = [];
    let left = bytes;
    for (const [index, [name, node]] of [...opened].entries()) {
      if (index < offset) continue;
      const entry = directoryEntry(index, name, MODES[(node as ProcNode).kind] >>> 12);
      left -= entry.length;
      if (left < 0) break;
      entries.push(entry);
    }
    return Buffer.concat(entries);
  }
}

const NOTHING = new Uint8Array();

function attributesOf(number: number, node: ProcNode): Attributes {
  return { node: number, mode: MODES[node.kind], bytes: 0 };
}
