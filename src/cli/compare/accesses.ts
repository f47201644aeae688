/** Traces of memory accesses: read from files, compared, shown. */
import { type AccessLog, driveDesigns, type Engine, LackeyReader } from '../../cost/index.ts';
import { ACCESSES_SCHEMA, type AccessComparison } from '../../report/accesses/schema.ts';
import { wrongUse } from '../failure.ts';
import { readChunks } from '../replay/input.ts';
import type { CompareOptions } from './options.ts';

const MEND = 'Record it with `valgrind --tool=lackey --trace-mem=yes --log-file=FILE COMMAND`';

/** One process for each file. @throws Failure if one holds no accesses, or more than are kept */
export async function readAccesses(
  files: readonly string[],
  say: (detail: string) => void,
): Promise<AccessLog[]> {
  const logs: AccessLog[] = [];
  for (const file of files) {
    say(file);
    const reader = new LackeyReader();
    for await (const chunk of readChunks(file, MEND)) {
      if (!reader.push(chunk)) {
        throw wrongUse(`${file} has more accesses than can be compared`, 'Record a shorter run');
      }
    }
    const log = reader.finish(file);
    if (log.accesses === 0) throw wrongUse(`${file} holds no memory accesses`, MEND);
    logs.push(log);
  }
  return logs;
}

export function compareAccesses(
  mm: Engine,
  logs: readonly AccessLog[],
  { common }: CompareOptions,
  ids: readonly string[],
): AccessComparison {
  const results = driveDesigns(mm, logs, ids, common);
  return {
    schema: ACCESSES_SCHEMA,
    processes: logs.map(({ name, accesses, pages, fetches }) => ({
      name,
      accesses,
      pages: pages.length,
      fetches,
    })),
    common,
    designs: results.filter((result) => 'misses' in result),
    notRun: results.filter((result) => 'why' in result),
  };
}
