/** A snapshot without the names on its host, to be shown to strangers. */
import type { HostSnapshot, MappedObject, Mm, Vma } from './records.ts';

/**
 * Replaces hostname, commands, command lines, cgroups, and the names of objects and of anonymous
 * mappings by their hashes: equal texts stay equal. Numbers stay, and so do the words of the
 * kernel: kinds, `[heap]`, `[stack]`, the versions of kernel and machine. The notes of the capture
 * are sentences that may name anything, so they go.
 *
 * @param hash of a key that nobody else has, or names could be guessed
 */
export function redactSnapshot(
  snapshot: HostSnapshot,
  hash: (text: string) => string,
): HostSnapshot {
  const redact = memoize((text) => (text === '' ? '' : hash(text)));
  return {
    takenAt: snapshot.takenAt,
    host: { ...snapshot.host, hostname: redact(snapshot.host.hostname) },
    coverage: { ...snapshot.coverage, notes: [] },
    objects: snapshot.objects.map(
      (object): MappedObject => ({
        ...object,
        name: redact(object.name),
      }),
    ),
    mms: snapshot.mms.map(
      (mm): Mm => ({
        ...mm,
        comm: redact(mm.comm),
        commandLine: redact(mm.commandLine),
        cgroup: redact(mm.cgroup),
        vmas: mm.vmas.map((vma): Vma => ({ ...vma, label: redactLabel(vma.label, redact) })),
      }),
    ),
  };
}

/** `[heap]` and `[stack]` name no one; `[anon:NAME]` says what a program chose to say. */
function redactLabel(label: string, redact: (text: string) => string): string {
  if (label === '[heap]' || label === '[stack]') return label;
  const name = /^\[anon:(.*)\]$/s.exec(label)?.[1];
  return name === undefined ? redact(label) : `[anon:${redact(name)}]`;
}

/** Most texts of a host occur in many processes. */
function memoize(hash: (text: string) => string): (text: string) => string {
  const hashes = new Map<string, string>();
  return (text) => {
    const known = hashes.get(text);
    if (known !== undefined) return known;
    const fresh = hash(text);
    hashes.set(text, fresh);
    return fresh;
  };
}
