/**
 * How soon the viewer shows a long trace, and whether it keeps up with a hand that scrubs: in
 * Debian's Chromium, beside what the same page does when it has nothing to do.
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

/** Of each frame, in milliseconds, while the ruler is dragged from one end to the other. */
const SCRUB = `new Promise((resolve) => {
  const ruler = document.querySelector('.ruler');
  const { left, width, top } = ruler.getBoundingClientRect();
  const at = (part) => ({ clientX: left + width * part, clientY: top + 5, pointerId: 1, buttons: 1, bubbles: true });
  const frames = [];
  let last;
  const step = (now) => {
    if (last !== undefined) frames.push(now - last);
    last = now;
    if (frames.length === ${FRAMES}) return resolve(frames);
    ruler.dispatchEvent(new PointerEvent('pointermove', at(frames.length / ${FRAMES})));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;
const IDLE = SCRUB.replace(/ruler\.dispatchEvent.*\n/, '\n');

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[values.length >> 1]!;
const late = (frames: readonly number[]): number =>
  (100 * frames.filter((each) => each > 1.5 * median(frames)).length) / frames.length;

function record(folder: string, mebibytes: number): string {
  const [text, trace] = [join(folder, 'script.txt'), join(folder, `${mebibytes}.ptt`)];
  writeFileSync(text, script(mebibytes));
  execFileSync(process.execPath, [MAIN, 'run', text, '--memory', '8G', '--trace', trace], {
    stdio: 'ignore',
  });
  return trace;
}

/** From the beginning of the navigation to timeline and events, and to the end of the reading. */
async function opening({ page }: Viewer): Promise<readonly [number, number]> {
  const now = (): Promise<number> => page.evaluate('performance.now()');
  await page.locator('.events .event').first().waitFor({ timeout: 120_000 });
  const first = await now();
  await page
    .locator('.top-bar .file-name', { hasNotText: 'Reading' })
    .waitFor({ timeout: 120_000 });
  return [first, await now()];
}

async function measure(file: string): Promise<void> {
  const firsts: number[] = [];
  const wholes: number[] = [];
  const scrubs: number[] = [];
  const idles: number[] = [];
  let events = '';
  for (let round = 0; round < ROUNDS; round++) {
    await withViewer({ file }, async (viewer) => {
      const [first, whole] = await opening(viewer);
      firsts.push(first);
      wholes.push(whole);
      events = ((await viewer.page.locator('.position').textContent()) ?? '').replace(
        /.* of (\d+).*/,
        '$1',
      );
      idles.push(...(await viewer.page.evaluate<number[]>(IDLE)));
      scrubs.push(...(await viewer.page.evaluate<number[]>(SCRUB)));
    });
  }
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  const [scrub, idle] = [median(scrubs), median(idles)];
  console.log(
    `${megabytes} MB, ${events} events: first picture ${median(firsts).toFixed(0)} ms, all read ${median(wholes).toFixed(0)} ms`,
  );
  console.log(
    `  scrubbing: ${scrub.toFixed(1)} ms a frame, idle ${idle.toFixed(1)} ms: ${(scrub / idle).toFixed(2)} times; late frames ${late(scrubs).toFixed(1)} %, idle ${late(idles).toFixed(1)} %`,
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
