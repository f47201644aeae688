/** A script of `ptshare run` under designs: run under each that needs nothing else than to be there. */
import { formatById } from '../../arch/index.ts';
import {
  countWhile,
  type DesignCost,
  ENGINE_DESIGNS,
  type Engine,
  type EngineCost,
  payerOf,
  pluggedFor,
  sharesByItself,
  snapshotOf,
  stateOf,
} from '../../cost/index.ts';
import { SKYLAKE } from '../../mmu/index.ts';
import { LIMITS, parseScript, Session, type Statement } from '../../script/index.ts';
import type { HostSnapshot } from '../../snapshot/records.ts';
import { Tally } from '../../trace/index.ts';
import { countTables } from '../../twin/count_tables.ts';
import { hugetlbPmdSharing } from '../../twin/hugetlb_pmd_sharing.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Workload } from '../../workload/index.ts';
import { scriptFailure } from '../run/run.ts';

/** As `ptshare run` has it, if it is not told otherwise. */
const MACHINE = {
  format: formatById('x86_64-4level')!,
  cpus: 2,
  memoryBytes: 2 ** 30,
  thp: 'madvise' as const,
  mapCountMax: 65530,
  tlb: SKYLAKE,
};

export interface ScriptResult {
  /** What the script leaves without any design. */
  readonly workload: Workload;
  readonly engine: EngineCost;
}

/** @throws Failure with the place of a mistake in the script */
export function measureScript(
  mm: Engine,
  name: string,
  text: string,
  ids: readonly string[],
): ScriptResult {
  try {
    const statements = parseScript(text);
    const plain = runUnder(mm, statements, 'today');
    const wanted = ENGINE_DESIGNS.filter((id) => ids.includes(id));
    const engine: EngineCost = {
      ...sizeOf(plain.snapshot),
      agrees: plain.cost.tableBytes === plain.cost.shapeBytes,
      designs: wanted.filter(isRun).map((id) => costUnder(mm, statements, id, plain)),
      notRun: wanted.filter((id) => !isRun(id)).map((id) => ({ id, why: NOT_RUN })),
    };
    return { workload: workloadOf(name, plain.snapshot), engine };
  } catch (error) {
    throw scriptFailure(name, error);
  }
}

const NOT_RUN = 'They would put mappings elsewhere, and a script is run as it is written';
const isRun = (id: string): boolean => sharesByItself(id) || id === 'today' || id === 'identical';

interface Result {
  readonly cost: DesignCost;
  /** With each kind of table once. */
  readonly distinctBytes: number;
  readonly snapshot: HostSnapshot;
}

function costUnder(
  mm: Engine,
  statements: readonly Statement[],
  id: string,
  plain: Result,
): DesignCost {
  if (sharesByItself(id)) return runUnder(mm, statements, id).cost;
  if (id === 'today') return plain.cost;
  const { shapeBytes: _, ...cost } = plain.cost;
  return { ...cost, id, tableBytes: plain.distinctBytes };
}

function runUnder(mm: Engine, statements: readonly Statement[], id: string): Result {
  const designs = pluggedFor(mm, id);
  const session = new Session({ mm, ...MACHINE, designs, onStep: () => {} });
  const { machine } = session;
  const { tables, frames } = machine.size;
  const tally = new Tally({ tables, frames, payers: LIMITS.statements + 1 });
  tally.payer = session.process.pid;
  mm.traceState(machine, tally);
  machine.traceTo(tally);
  const phase = countWhile({ machine, tally }, 'script', () => {
    for (const statement of statements) {
      tally.payer = session.process.pid;
      session.execute(statement);
    }
  });
  const snapshot = snapshotOf(mm, machine, () => 'process');
  const roots = snapshot.mms.length;
  const state = stateOf(machine);
  const shape = countTables(snapshot, hugetlbPmdSharing(snapshot)).distinct + roots;
  return {
    snapshot,
    distinctBytes: (mm.identicalTables(machine).distinct + roots) * PAGE_BYTES,
    cost: {
      id,
      tableBytes: state.pageTablesBytes,
      ...(id === 'today' && { shapeBytes: shape * PAGE_BYTES }),
      phases: [phase],
      ...state,
      payers: session
        .processes()
        .map(({ pid, task }) => payerOf({ machine, tally }, task.mm, `pid ${pid}`, pid)),
    },
  };
}

function sizeOf({ mms }: HostSnapshot): { readonly processes: number; readonly bytes: number } {
  let pages = 0;
  for (const { runs } of mms) for (const count of runs.pages) pages += count;
  return { processes: mms.length, bytes: pages * PAGE_BYTES };
}

function workloadOf(name: string, snapshot: HostSnapshot): Workload {
  return {
    id: 'script',
    title: `What ${name} leaves`,
    story:
      'The script is run under each design that needs nothing moved: what is shared, given up and ' +
      'copied on the way is counted. The bars are what the designs say of what it leaves.',
    processesAre: 'processes in the end',
    bytesAre: 'pages that they have',
    usual: sizeOf(snapshot),
    bytesMax: Number.POSITIVE_INFINITY,
    host: () => snapshot,
  };
}
