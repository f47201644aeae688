/** `ptshare compare`: the command, its help, and what it ends with. */
import { Argument, Command } from 'commander';
import { NAMED } from '../../workload/index.ts';
import type { ExitCode } from '../failure.ts';
import { addCompareOptions, type CompareOptions } from './options.ts';
import { runCompare } from './run.ts';

const EXAMPLES = `
Examples:
  ptshare compare database                           1500 backends, 300 GiB of segment
  ptshare compare database --processes 200 --size 64G
  ptshare compare fork-server --sweep processes=8,64,512
  ptshare compare zygote --designs today,mshare --json
  ptshare compare database --after mprotect:1M --after exit:10
  ptshare compare snapshot-store --after write:64M   what copy on write costs
  ptshare compare post-copy-guest --link 100G        a guest fetched 4 KiB, 2 MiB or 1 GiB at a time
  ptshare compare containers --html containers.html  as a page with pictures
  ptshare compare host.parquet                       a host, from \`ptshare host --save\`
  ptshare compare scenario.txt                       a script of \`ptshare run\`
  ptshare compare a.lackey b.lackey.gz --common all  memory accesses of two processes:
    valgrind --tool=lackey --trace-mem=yes --log-file=a.lackey ls
  ptshare compare database --sweep size=1G,10G,100G --queue redis://queue.example

Small sizes run in the engine, which counts what each design costs; large ones run there at a
smaller size. Its tables must be those that the designs' shapes say: where they are not, the
difference is shown as an error, and the exit status is 1.

Events of --after happen one after the other, and who does one touches again what it has left:
  fork[:TIMES]                     the first process forks
  exit[:PROCESSES]                 the last ones end
  CALL:SIZE[:PROCESSES]            mprotect, munmap, mremap, dontneed (MADV_DONTNEED), by the last
                                   ones: the first SIZE of the largest memory that they share, or
                                   else of their own
  mprotect:SIZE:rw[:PROCESSES]     back from PROT_READ to PROT_READ|PROT_WRITE
  write:SIZE[:PROCESSES]           stores to the largest private memory: copy on write
SIZE has a unit: 4K, 1M, 2GiB. PROCESSES is a number, or all; one unless told.

Exit status: 0 fine; 1 engine and shapes differ; 2 wrong use; 3 cannot run here.`;

export function compareCommand(end: (exitCode: ExitCode) => void): Command {
  const ids = NAMED.map(({ id }) => id);
  return addCompareOptions(new Command('compare'))
    .summary('one workload under all designs, at any size')
    .description(
      'Puts a workload under every design for sharing page tables: what their tables take, what that saves, what it needs.',
    )
    .addArgument(new Argument('[what...]', `one of ${ids.join(', ')}; or files`))
    .addHelpText('after', EXAMPLES)
    .action(async (what: string[], options: CompareOptions) =>
      end(await runCompare(what, options)),
    );
}
