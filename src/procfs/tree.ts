/** /proc as a tree of folders, texts, files of words and links, made when they are looked at. */
import type { ProcHost, ProcProcess } from './host.ts';
import { kpagecountOf, kpageflagsOf } from './kpage.ts';
import { renderMaps } from './maps.ts';
import { renderBuddyinfo, renderMeminfo, renderVmstat } from './meminfo.ts';
import { renderNumaMaps } from './numa_maps.ts';
import { pagemapOf } from './pagemap.ts';
import { renderSmaps, renderSmapsRollup } from './smaps.ts';
import { renderStat, renderStatm } from './stat.ts';
import { renderStatus } from './status.ts';
import {
  renderCpuinfo,
  renderLoadavg,
  renderSwaps,
  renderSystemStat,
  renderUptime,
  renderVersion,
} from './system.ts';
import type { WordFile } from './word_file.ts';

export type ProcNode =
  | { readonly kind: 'folder'; entries(): ReadonlyMap<string, ProcNode> }
  | { readonly kind: 'text'; render(): string }
  | { readonly kind: 'words'; open(): WordFile }
  | { readonly kind: 'link'; readonly target: string };

export function procTree(host: ProcHost): ProcNode {
  const { machine } = host;
  return folder(() => [
    ...host.processes.map(
      (process) => [String(process.pid), processFolder(host, process)] as const,
    ),
    ['self', { kind: 'link', target: String(host.processes[0]?.pid ?? 1) }],
    ['meminfo', text(() => renderMeminfo(machine))],
    ['vmstat', text(() => renderVmstat(machine))],
    ['buddyinfo', text(() => renderBuddyinfo(machine))],
    ['kpagecount', words(() => kpagecountOf(machine))],
    ['kpageflags', words(() => kpageflagsOf(machine))],
    ['swaps', text(() => renderSwaps(machine))],
    ['stat', text(() => renderSystemStat(host))],
    ['cpuinfo', text(() => renderCpuinfo(machine))],
    ['loadavg', text(() => renderLoadavg(host))],
    ['uptime', text(renderUptime)],
    ['version', text(renderVersion)],
    ['sys', settings()],
  ]);
}

/** What programs ask of a kernel before they look at its processes. */
function settings(): ProcNode {
  const values = {
    kernel: {
      osrelease: '6.18.0-ptshare',
      ostype: 'Linux',
      pid_max: '32768',
      'threads-max': '4096',
    },
    vm: { overcommit_memory: '0', swappiness: '60' },
  };
  const folderOf = (files: Readonly<Record<string, string>>): ProcNode =>
    folder(() => Object.entries(files).map(([name, value]) => [name, text(() => `${value}\n`)]));
  return folder(() => Object.entries(values).map(([name, files]) => [name, folderOf(files)]));
}

function processFolder(host: ProcHost, process: ProcProcess): ProcNode {
  const files = (): (readonly [string, ProcNode])[] => [
    ['maps', text(() => renderMaps(host, process))],
    ['smaps', text(() => renderSmaps(host, process))],
    ['smaps_rollup', text(() => renderSmapsRollup(host, process))],
    ['numa_maps', text(() => renderNumaMaps(host, process))],
    ['pagemap', words(() => pagemapOf(host.machine, process.mm))],
    ['status', text(() => renderStatus(host, process))],
    ['stat', text(() => renderStat(host, process))],
    ['statm', text(() => renderStatm(host, process))],
    ['comm', text(() => `${process.name}\n`)],
    ['cmdline', text(() => `${process.name}\0`)],
    ['environ', text(() => '')],
    ['cgroup', text(() => '0::/\n')],
    ['wchan', text(() => '0')],
    ['oom_score', text(() => '0\n')],
    ['oom_score_adj', text(() => '0\n')],
  ];
  const thread = folder(files);
  return folder(() => [...files(), ['task', folder(() => [[String(process.pid), thread]])]]);
}

function folder(entries: () => readonly (readonly [string, ProcNode])[]): ProcNode {
  return { kind: 'folder', entries: () => new Map(entries()) };
}

const text = (render: () => string): ProcNode => ({ kind: 'text', render });
const words = (open: () => WordFile): ProcNode => ({ kind: 'words', open });
