/**
 * How soon the viewer shows a long trace, and whether it keeps up with a hand that scrubs: in
 * Debian's Chromium, beside what the same page does when it has nothing to do. Wanted are a first
 * picture of 50 MB within a second, and frames of 16.7 ms (60 a second) in a million events.
 *
 * On a machine with other work, the figures to look at are those of CPU time, and the ratios.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN } from '../../test/command_line.ts';
import { browserJudge, type Viewer, withViewer } from '../../test/view/browser.ts';

const FRAMES = 240;
const ROUNDS = 5;

/** Touches memory, forks, and copies it on write: 5 to 6 events a page. */
const script = (mebibytes: number): string => `
a = mmap(NULL, ${mebibytes}*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
write(a, ${mebibytes}*M)
p = fork()
as(p); write(a, ${mebibytes >> 1}*M); munmap(a, ${mebibytes >> 2}*M)
`;

interface Scrub {
  /** Of each frame, in milliseconds. */
  readonly frames: readonly number[];
  /** Frames in which the events in words were others than before. */
  readonly followed: number;
  /** From the last move to the last change of a panel, in milliseconds. */
  readonly rest: number;
}

/** While the ruler is dragged from one end to the other, and for half a second behind that. */
const SCRUB = `new Promise((resolve) => {
  const ruler = document.querySelector('.ruler');
  const { left, width, top } = ruler.getBoundingClientRect();
  const at = (part) => ({ clientX: left + width * part, clientY: top + 5, pointerId: 1, buttons: 1, bubbles: true });
  const frames = [];
  let [last, changedAt, followed, shown] = [undefined, 0, 0, ''];
  const observer = new MutationObserver(() => { changedAt = performance.now(); });
  observer.observe(document.querySelector('.below'), { subtree: true, childList: true, attributes: true, characterData: true });
  const end = (movedAt) => {
    observer.disconnect();
    resolve({ frames, followed, rest: Math.max(0, changedAt - movedAt) });
  };
  const step = (now) => {
    if (last !== undefined) frames.push(now - last);
    last = now;
    const words = document.querySelector('.events [aria-current]')?.textContent ?? '';
    if (words !== shown) followed++;
    shown = words;
    if (frames.length === ${FRAMES}) return void setTimeout(end, 500, performance.now());
    ruler.dispatchEvent(new PointerEvent('pointermove', at(frames.length / ${FRAMES})));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;
const IDLE = SCRUB.replace(/ruler\.dispatchEvent.*\n/, '\n');

const percentile = (values: readonly number[], part: number): number =>
  [...values].sort((one, other) => one - other)[Math.floor(part * (values.length - 1))]!;
const median = (values: readonly number[]): number => percentile(values, 0.5);
/** In percent: frames that took longer than those of a page that has nothing to do. */
const late = (frames: readonly number[], idle: number): number =>
  (100 * frames.filter((each) => each > 1.5 * idle).length) / frames.length;

function record(folder: string, mebibytes: number): string {
  const [text, trace] = [join(folder, 'script.txt'), join(folder, `${mebibytes}.ptt`)];
  writeFileSync(text, script(mebibytes));
  execFileSync(process.execPath, [MAIN, 'run', text, '--memory', '8G', '--trace', trace], {
    stdio: 'ignore',
  });
  return trace;
}

/** CPU time of the page with its worker since it began, in milliseconds. */
async function worked({ browser }: Viewer): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const pages = processInfo.filter(({ type }) => type === 'renderer');
  return 1000 * Math.max(...pages.map(({ cpuTime }) => cpuTime));
}

/** CPU time of the main thread for each frame of a scrub, in milliseconds. */
async function workedAFrame({ page }: Viewer, scrub: () => Promise<void>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const tasks = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration')!.value;
  };
  const before = await tasks();
  await scrub();
  const after = await tasks();
  await session.detach();
  return (after - before) / FRAMES;
}

/** From the beginning of the navigation to the first screen, without any file. */
async function openingNothing(): Promise<number> {
  let first = 0;
  await withViewer({}, async ({ page }) => {
    await page.locator('.doors').waitFor();
    first = await page.evaluate<number>('performance.now()');
  });
  return first;
}

/** From the beginning of the navigation to timeline and events, and to the end of the reading. */
async function opening(viewer: Viewer): Promise<readonly [number, number, number]> {
  const { page } = viewer;
  const now = (): Promise<number> => page.evaluate('performance.now()');
  await page.locator('.events .event').first().waitFor({ timeout: 120_000 });
  const first = await now();
  const work = await worked(viewer);
  await page
    .locator('.top-bar .file-name', { hasNotText: 'Reading' })
    .waitFor({ timeout: 120_000 });
  return [first, await now(), work];
}

async function measure(file: string): Promise<void> {
  const firsts: number[] = [];
  const works: number[] = [];
  const nothings: number[] = [];
  const frameWorks: number[] = [];
  const wholes: number[] = [];
  const scrubs: number[] = [];
  const idles: number[] = [];
  const followed: number[] = [];
  const rests: number[] = [];
  let events = '';
  for (let round = 0; round < ROUNDS; round++) {
    nothings.push(await openingNothing());
    await withViewer({ file }, async (viewer) => {
      const [first, whole, work] = await opening(viewer);
      firsts.push(first);
      works.push(work);
      wholes.push(whole);
      events = ((await viewer.page.locator('.position').textContent()) ?? '').replace(
        /.* of (\d+).*/,
        '$1',
      );
      idles.push(...(await viewer.page.evaluate<Scrub>(IDLE)).frames);
      const scrub = async (): Promise<void> => {
        const done = await viewer.page.evaluate<Scrub>(SCRUB);
        scrubs.push(...done.frames);
        followed.push((100 * done.followed) / FRAMES);
        rests.push(done.rest);
      };
      frameWorks.push(await workedAFrame(viewer, scrub));
    });
  }
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  const [scrub, idle] = [median(scrubs), median(idles)];
  console.log(
    `${megabytes} MB, ${events} events: first picture ${median(firsts).toFixed(0)} ms (${median(works).toFixed(0)} ms of CPU; ${(median(firsts) / median(nothings)).toFixed(2)} times a page without a file), all read ${median(wholes).toFixed(0)} ms`,
  );
  console.log(
    `  scrubbing: ${median(frameWorks).toFixed(1)} ms of the main thread's CPU a frame; frames of ${scrub.toFixed(1)} ms, 95 % within ${percentile(scrubs, 0.95).toFixed(1)} ms; idle ${idle.toFixed(1)} and ${percentile(idles, 0.95).toFixed(1)} ms: ${(scrub / idle).toFixed(2)} times; late frames ${late(scrubs, idle).toFixed(1)} %, idle ${late(idles, idle).toFixed(1)} %; panels follow in ${median(followed).toFixed(0)} % of the frames, and rest ${median(rests).toFixed(0)} ms behind the pointer`,
  );
}

const missing = browserJudge.missing();
if (missing !== undefined) console.log(`Cannot measure the viewer: ${missing}`);
else {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-bench-'));
  try {
    // About a million events, and 50 MB.
    for (const mebibytes of [170, 1500]) await measure(record(folder, mebibytes));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
