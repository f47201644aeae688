/** The userfaultfds of a program: all its processes have the same. */
import type { Task, Userfaultfd } from '../../../src/mm/index.ts';
import { type Call, UFFD_PARTIAL, UFFD_UNTOUCHED } from '../calls.ts';
import { mm } from './build.ts';

type UffdCall = Extract<Call, { readonly uffd: number }>;

export function isUffdCall(call: Call): call is UffdCall {
  return 'uffd' in call;
}

/** Addresses of a call, in bytes. */
export interface Places {
  readonly address: number;
  readonly source: number;
}

export class Userfaultfds {
  readonly #open = new Map<number, Userfaultfd>();

  /** The result of a call, as `executor/uffd.h` reports it. */
  perform(task: Task, call: UffdCall, { address, source }: Places): number {
    if (call.name === 'userfaultfd') return this.#make(task, call);
    const uffd = this.#open.get(call.uffd);
    if (uffd === undefined) return mm.EBADF;
    switch (call.name) {
      case 'uffd_close':
        this.close(task, call.uffd);
        return 0;
      case 'uffd_api': {
        const { result, features } = mm.uffdioApi(task, uffd, call.api, call.features);
        return result < 0 ? result : features;
      }
      case 'uffd_register': {
        const { length, mode } = call;
        const { result, ioctls } = mm.run(mm.uffdioRegister(task, uffd, address, length, mode));
        return result < 0 ? result : ioctls;
      }
      case 'uffd_unregister':
        return mm.run(mm.uffdioUnregister(task, uffd, address, call.length));
      case 'uffd_wake':
        return mm.run(mm.uffdioWake(task, uffd, address, call.length));
      case 'uffd_writeprotect':
        return mm.run(mm.uffdioWriteprotect(task, uffd, address, call.length, call.mode));
      default:
        return this.#fill(task, uffd, call, address, source);
    }
  }

  #make(task: Task, { uffd, flags }: Call<'userfaultfd'>): number {
    const made = mm.userfaultfd(task, flags);
    if (typeof made === 'number') return made;
    this.close(task, uffd);
    this.#open.set(uffd, made);
    return 0;
  }

  #fill(
    task: Task,
    uffd: Userfaultfd,
    call: Call<'uffd_copy' | 'uffd_move' | 'uffd_zeropage' | 'uffd_continue' | 'uffd_poison'>,
    address: number,
    source: number,
  ): number {
    const { length, mode } = call;
    const request = { start: address, length, mode };
    switch (call.name) {
      case 'uffd_copy':
        return filled(mm.run(mm.uffdioCopy(task, uffd, { ...request, source })));
      case 'uffd_move':
        return filled(
          mm.run(mm.uffdioMove(task, uffd, { ...request, source, destination: address })),
        );
      case 'uffd_zeropage':
        return filled(mm.run(mm.uffdioZeropage(task, uffd, request)));
      case 'uffd_continue':
        return filled(mm.run(mm.uffdioContinue(task, uffd, request)));
      default:
        return filled(mm.run(mm.uffdioPoison(task, uffd, request)));
    }
  }

  close(task: Pick<Task, 'machine' | 'cpu'>, number: number): void {
    const uffd = this.#open.get(number);
    if (uffd === undefined) return;
    this.#open.delete(number);
    mm.run(mm.closeUserfaultfd(task, uffd));
  }

  closeAll(task: Pick<Task, 'machine' | 'cpu'>): void {
    for (const number of [...this.#open.keys()]) this.close(task, number);
  }
}

function filled({
  result,
  bytes,
}: {
  readonly result: number;
  readonly bytes: number | undefined;
}): number {
  if (bytes === undefined) return result - UFFD_UNTOUCHED;
  if (result === 0 || result === bytes) return bytes;
  return UFFD_PARTIAL + bytes;
}
