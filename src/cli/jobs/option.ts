/** The option of all commands that a queue can help. */
import { Option } from 'commander';

export function queueOption(): Option {
  return new Option('--queue <url>', 'redis:// or rediss:// of the server where workers wait').env(
    'PTSHARE_QUEUE',
  );
}
