/** `/proc/PID/cgroup`: which control group pays for the memory of a process. */

/**
 * The path in the hierarchy that the memory controller is attached to: its own one (version 1), or
 * the unified one (version 2).
 *
 * @returns '' if the text names neither
 */
export function parseCgroupPath(text: string): string {
  let unified = '';
  for (const line of text.split('\n')) {
    // hierarchy id : controllers : path, and only the path may hold further colons
    const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers!.split(',').includes('memory')) return path;
    if (hierarchy === '0') unified = path;
  }
  return unified;
}
