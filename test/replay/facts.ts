/** A host of which nothing is known but its memory: for recordings from elsewhere. */
import type { HostFacts } from '../../src/replay/index.ts';

export const NOTHING_KNOWN: HostFacts = {
  memoryBytes: 2 ** 34,
  mapCountMax: 65530,
  hugePages: { free: 0, overcommit: 0, gigantic: 0 },
  mounts: [{ path: '/', fileSystem: 'ext4', isExecutable: true }],
  readProgram: () => undefined,
};
