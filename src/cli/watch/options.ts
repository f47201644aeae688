/** The options of `ptshare watch`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseThreshold, type Threshold } from '../../fleet/thresholds.ts';
import type { Address } from '../../watch/server.ts';
import { whole } from '../option_values.ts';

export interface WatchCommandOptions {
  readonly every: number;
  readonly cpu: number;
  readonly budget: number;
  readonly samples: number;
  readonly once?: true;
  readonly store?: string;
  readonly keep: number;
  readonly disk: number;
  readonly threshold?: readonly Threshold[];
  readonly listen?: Address;
  readonly tokenFile?: string;
  readonly top: number;
  readonly json?: true;
}

export function addWatchOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  command.optionsGroup('When to look:');
  add(new Option('--every <time>', 'such as 30s, 5m, 1h').argParser(seconds).default(60, '60s'));
  add(
    new Option('--cpu <percent>', 'of one CPU: looks less often where this is not enough')
      .argParser(percent)
      .default(1),
  );
  add(
    new Option('--budget <time>', 'read tables for so long at most')
      .argParser(seconds)
      .default(10, '10s'),
  );
  add(
    new Option('--samples <n>', 'end after so many')
      .argParser(whole(1, 1_000_000_000))
      .default(Infinity, 'never'),
  );
  add(
    new Option('--once', 'take one sample: status 1 if a threshold is passed').implies({
      samples: 1,
    }),
  );
  command.optionsGroup('What to keep:');
  add(new Option('--store <folder>', 'record samples in this dataset (docs/fleet.md)'));
  add(new Option('--keep <days>', 'days that are kept').argParser(whole(1, 10_000)).default(30));
  add(
    new Option('--disk <size>', 'such as 500M: the oldest goes')
      .argParser(size)
      .default(2 ** 30, '1G'),
  );
  command.optionsGroup('What to tell:');
  add(
    new Option(
      '--threshold <limit>',
      'tables=2%, duplicates=1G, savings=500M or group:NAME=1G; repeatable',
    ).argParser(thresholds),
  );
  add(new Option('--listen <address>', 'serve metrics at 127.0.0.1:PORT').argParser(address));
  add(new Option('--token-file <file>', 'serve them to those only who send the token in it'));
  add(
    new Option('--top <n>', 'groups and objects with metrics of their own')
      .argParser(whole(1, 1000))
      .default(20),
  );
  add(new Option('--json', 'print a line of JSON for each sample (docs/watch.md)'));
  return command;
}

const TIME_UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };
const TIME_MAX = 7 * 86_400;

function seconds(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,7}(?:\.\d{1,3})?)([smhd]?)$/.exec(text) ?? [];
  const value = amount === '' ? 0 : Number(amount) * TIME_UNITS[unit]!;
  if (value >= 0.1 && value <= TIME_MAX) return value;
  throw new InvalidArgumentError('A time from 0.1s to 7d is wanted, as in 30s or 5m.');
}

function percent(text: string): number {
  const value = /^\d{1,3}(\.\d{1,3})?%?$/.test(text) ? Number.parseFloat(text) : 0;
  if (value > 0 && value <= 100) return value;
  throw new InvalidArgumentError('A percentage from 0.001 to 100 is wanted.');
}

function size(text: string): number {
  const parsed = parseThreshold(`tables=${text}`);
  if (parsed?.unit === 'bytes' && parsed.limit >= 2 ** 20) return parsed.limit;
  throw new InvalidArgumentError('A size of 1M or more is wanted, as in 500M or 2G.');
}

function thresholds(text: string, earlier: readonly Threshold[] = []): readonly Threshold[] {
  const parsed = parseThreshold(text);
  if (parsed !== undefined && earlier.length < 100) return [...earlier, parsed];
  throw new InvalidArgumentError('A limit is wanted, as in tables=2% or group:postgres=10G.');
}

/** Only this machine may see the names of what runs. */
function address(text: string): Address {
  const [, host = '', port = ''] =
    /^(127(?:\.\d{1,3}){3}|localhost|\[::1\]):(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) <= 65_535) {
    return { host: host.replace(/[[\]]/g, ''), port: Number(port) };
  }
  throw new InvalidArgumentError(
    'An address of this machine is wanted, as in 127.0.0.1:9469; put a proxy that knows who may read in front of it.',
  );
}
