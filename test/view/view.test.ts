/** The viewer as a user has it: every view, on what the other commands have written just now. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after } from 'node:test';
import { gzipSync } from 'node:zlib';
import { judgedTest } from '../live/judge.ts';
import { assertAccessible, browserJudge, withViewer } from './browser.ts';
import { type Inputs, makeInputs } from './inputs.ts';

const FIRST_SCREEN_BYTES_MAX = 300_000;

let made: Inputs | undefined;
const inputs = (): Inputs => {
  made ??= makeInputs();
  return made;
};
after(() => made?.remove());

judgedTest('the first screen is small, and says where to go', [browserJudge], async () => {
  await withViewer({}, async ({ page }) => {
    await page.getByRole('heading', { name: 'See the tables' }).waitFor();
    const names = await page.evaluate<string[]>(
      'performance.getEntriesByType("resource").map(({ name }) => name)',
    );
    const bodies = await Promise.all(
      [page.url(), ...names].map(async (url) => (await page.request.get(url)).body()),
    );
    const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
    assert.ok(bytes < FIRST_SCREEN_BYTES_MAX, `${bytes} bytes`);
    assert.ok(bodies.length > 3, 'scripts and styles are among them');
    await assertAccessible(page, 'start');
  });
});

judgedTest('a snapshot shows who pays, designs and an address space', [browserJudge], async () => {
  await withViewer({ file: inputs().snapshot }, async ({ page }) => {
    await page.getByRole('heading', { name: 'Who pays' }).waitFor();
    await page.getByRole('heading', { name: /Address space of/ }).waitFor();
    const tiles = page.locator('.tile');
    assert.ok((await tiles.count()) > 1, 'processes have tiles');
    await tiles.first().press('Enter');
    assert.equal(await tiles.first().getAttribute('aria-pressed'), 'true');
    await page.getByRole('button', { name: /^mshare / }).press('Enter');
    await page.getByRole('heading', { name: 'Requires' }).waitFor();
    // Before anything is scrolled half out of sight, where colours cannot be compared.
    await assertAccessible(page, 'host');
    const strip = page.getByRole('slider');
    const said = async (): Promise<string> => (await strip.getAttribute('aria-valuetext')) ?? '';
    await strip.press('0');
    for (let times = 0; times < 60 && !/PTE table/.test(await said()); times++) {
      await strip.press('ArrowLeft');
    }
    assert.match(await said(), /^0x[0-9a-f]+ {2}· {2}.*PTE table/);
  });
});

judgedTest('a report is compared with a snapshot of before', [browserJudge], async () => {
  await withViewer({ file: inputs().report, dark: true }, async ({ page }) => {
    await page.getByText('A report has no address spaces').waitFor();
    await page.getByLabel('Compare with…', { exact: true }).setInputFiles(inputs().snapshot);
    await page.getByRole('cell', { name: 'the host (PageTables)' }).waitFor();
    await assertAccessible(page, 'host, dark');
  });
});

judgedTest(
  'a trace is stepped through forward and back, and searched',
  [browserJudge],
  async () => {
    await withViewer({ file: inputs().trace }, async ({ page }) => {
      const position = page.locator('.position');
      await position.waitFor();
      assert.match((await position.textContent()) ?? '', /event 1 of/);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Shift+ArrowRight');
      await page.keyboard.press('ArrowLeft');
      await page.getByRole('searchbox').fill('fork returns');
      await page.keyboard.press('Enter');
      const current = page.locator('.event[aria-current]');
      await current.filter({ hasText: 'fork returns' }).waitFor();
      // Two address spaces by now: each with a root, and the same frames below their tables.
      assert.equal(await page.locator('.tree .box', { hasText: 'PGD' }).count(), 2);
      assert.ok((await page.locator('.frames .common').count()) > 0, 'frames are mapped twice');
      await page.locator('.tree .box', { hasText: 'PTE' }).first().press('Enter');
      await page.locator('.entries a').first().press('Enter');
      await page.getByRole('heading', { name: 'Entry inspector' }).waitFor();
      await page.getByText('Physical address').waitFor();
    });
  },
);

judgedTest(
  'all views are accessible, light and dark, narrow and wide',
  [browserJudge],
  async () => {
    const views = [
      { file: inputs().trace, ready: '.position' },
      { file: inputs().finding, ready: '.run' },
      { hash: '#/playground', ready: '.code-editor' },
      { hash: '#/entry/arm64-4k-48bit/0x0040000012345f43?level=0', ready: '.bit' },
      { hash: '#/host', ready: '.empty' },
      { hash: '#/execution', ready: '.empty' },
      { hash: '#/finding', ready: '.zoo-list a' },
    ];
    for (const [index, { ready, ...view }] of views.entries()) {
      const isDark = index % 2 === 0;
      await withViewer({ ...view, dark: isDark, width: isDark ? 1280 : 2560 }, async ({ page }) => {
        await page.locator(ready).first().waitFor();
        await assertAccessible(page, `${view.file ?? view.hash}`);
        await page.emulateMedia({ colorScheme: isDark ? 'light' : 'dark' });
        await assertAccessible(page, `${view.file ?? view.hash}, in the other colours`);
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        assert.equal(overflow, 0, 'the page is as wide as the window');
      });
    }
  },
);

judgedTest(
  'a CVE is stepped to its violation by keyboard alone, and the stale translation is drawn',
  [browserJudge],
  async () => {
    await withViewer({ file: inputs().finding }, async ({ page }) => {
      await page.getByRole('heading', { name: /C1 mremap/ }).waitFor();
      await page.locator('.tree').waitFor();
      assert.equal(
        await page.locator('.tree path.stale').first().count(),
        0,
        'nothing is stale at first',
      );
      let steps = 0;
      while ((await page.locator('.moment.violated').count()) === 0) {
        assert.ok(steps++ < 300, 'the violation is reached');
        await page.keyboard.press('ArrowRight');
      }
      await page.locator('.moment.violated', { hasText: 'P-UAF-PAGE' }).waitFor();
      await page.locator('.tree path.stale').first().waitFor();
      await page.locator('.tree .frame-box.free').waitFor();
      await page.locator('.stale.freed', { hasText: 'which is free' }).first().waitFor();
      await page.keyboard.press('f');
      await page.locator('.run.active', { hasText: 'nothing is violated' }).waitFor();
      await page.keyboard.press('End');
      await page.locator('.stale').waitFor({ state: 'detached' });
    });
  },
);

judgedTest(
  'the playground finds the CVE again, and nothing without it',
  [browserJudge],
  async () => {
    await withViewer({ hash: '#/playground' }, async ({ page }) => {
      const choice = page.getByLabel('A race of the zoo');
      await choice.locator('option[value="C1"]').waitFor({ state: 'attached' });
      await choice.selectOption('C1');
      await page.getByRole('button', { name: 'Find', exact: true }).press('Enter');
      await page.locator('.summary-bar.found').waitFor();
      await page.locator('.story .property', { hasText: 'P-UAF-PAGE' }).waitFor();
      await page.getByLabel('A race of the zoo').selectOption('M2');
      await page.getByRole('button', { name: 'Verify fix' }).press('Enter');
      await page.getByRole('heading', { name: 'Verified' }).waitFor();
    });
  },
);

judgedTest(
  'what is written is explored, told and shared by its address',
  [browserJudge],
  async () => {
    await withViewer({ hash: '#/playground' }, async ({ page, url }) => {
      await page.getByRole('button', { name: 'Explore every interleaving' }).press('Enter');
      await page.locator('.summary-bar.found').waitFor();
      await page.waitForURL(/#\/playground\/[\w-]{40,}/);
      const before = new URL(page.url()).hash;
      await page.getByRole('checkbox', { name: /^M2/ }).uncheck();
      await page.getByRole('textbox', { name: /Scenario/ }).press('Control+Enter');
      await page.getByRole('heading', { name: 'Verified' }).waitFor();
      await page.waitForURL((address) => address.hash !== before);
      const { hash } = new URL(page.url());
      await page.goto(`${url}#/`);
      await page.goto(url + hash);
      await page.locator('.cm-content', { hasText: 'munmap' }).waitFor();
      assert.equal(await page.getByRole('checkbox', { name: /^M2/ }).isChecked(), false);
      await page.getByRole('textbox', { name: /Scenario/ }).press('Control+A');
      await page.keyboard.press('Delete');
      await page.keyboard.insertText('cpu 0:\nfork()\n');
      await page.keyboard.press('Control+Enter');
      await page.getByRole('alert').filter({ hasText: '2:1: fork cannot be raced' }).waitFor();
    });
  },
);

judgedTest(
  'a host is followed, and stays as it is while it is paused',
  [browserJudge],
  async () => {
    await withViewer({ args: ['--live', '1'] }, async ({ page }) => {
      const live = page.getByRole('region', { name: 'Live' });
      await live.filter({ hasText: /[2-9] captures/ }).waitFor();
      await page.getByRole('button', { name: 'Pause' }).press('Enter');
      await page.getByRole('button', { name: 'Go on' }).waitFor();
      const paused = await live.textContent();
      await page.waitForTimeout(2500);
      assert.equal(await live.textContent(), paused);
      await assertAccessible(page, 'live');
    });
  },
);

/** What `encodeDraft()` puts into an address, made by hand. */
const fragmentOf = (...draft: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(draft)).toString('base64url');
const FORKED = `a = mmap(0x40000000, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED)
write(a, 16*K)
one = fork()
two = fork()
`;

judgedTest(
  'a script runs under a design: the table that three processes share is drawn once, with three arrows',
  [browserJudge],
  async () => {
    const hash = `#/playground/${fragmentOf(FORKED, 'x86_64-4level', [])}`;
    await withViewer({ hash }, async ({ page, url }) => {
      const design = page.getByRole('combobox', { name: 'Design' });
      const run = page.getByRole('button', { name: 'Run', exact: true });
      const tables = page.locator('.tree .box', { hasText: /^PTE/ });
      const runToItsEnd = async (): Promise<void> => {
        await run.press('Enter');
        await page.locator('.position', { hasText: /event (\d+) of \1\b/ }).waitFor();
      };
      await design.selectOption('none');
      await runToItsEnd();
      await tables.nth(2).waitFor();
      assert.equal(await tables.count(), 3, 'fork copies tables');
      assert.equal(await page.locator('.tree .link.shared').count(), 0);

      const before = new URL(page.url()).hash;
      await design.selectOption('on-demand-fork');
      await page.getByRole('combobox', { name: 'CPUs' }).selectOption('2');
      await runToItsEnd();
      await page.locator('.tree .box.shared', { hasText: '×3' }).waitFor();
      assert.equal(await tables.count(), 1);
      assert.equal(await page.locator('.tree .link.shared').count(), 3);
      await assertAccessible(page, 'playground with a design');

      await page.waitForURL((address) => address.hash !== before);
      const shared = new URL(page.url()).hash;
      await page.goto(`${url}#/`);
      await page.goto(url + shared);
      await page.locator('.cm-content', { hasText: 'fork' }).waitFor();
      const chosen = design.locator('option:checked', { hasText: 'on-demand-fork' });
      await chosen.waitFor({ state: 'attached' });
      assert.equal(await page.getByRole('combobox', { name: 'CPUs' }).inputValue(), '2');
    });
  },
);

judgedTest(
  'an address with a machine that cannot be opens the first example, or says what is wrong',
  [browserJudge],
  async () => {
    const example = /One page, written to before the race/;
    const bad: readonly (readonly unknown[])[] = [
      ['fork()', 'x86_64-4level', [], 'none', 10_000_000],
      ['fork()', 'x86_64-4level', [], 'none', '4'],
      ['fork()', 'x86_64-4level', [], { id: '2006' }],
      ['fork()', 'x86_64-4level', [], 'x'.repeat(65)],
    ];
    for (const draft of bad) {
      await withViewer({ hash: `#/playground/${fragmentOf(...draft)}` }, async ({ page }) => {
        await page.locator('.cm-content', { hasText: example }).waitFor();
      });
    }
    const hash = `#/playground/${fragmentOf('fork()', 'x86_64-4level', [], '__proto__', 4)}`;
    await withViewer({ hash }, async ({ page }) => {
      await page.getByRole('button', { name: 'Run', exact: true }).press('Enter');
      await page
        .getByRole('alert')
        .filter({ hasText: 'There is no design called __proto__' })
        .waitFor();
    });
  },
);

judgedTest(
  'what follows is compared with a capture that was kept, while more come',
  [browserJudge],
  async () => {
    await withViewer({ args: ['--live', '1'] }, async ({ page }) => {
      const live = page.getByRole('region', { name: 'Live' });
      await live.filter({ hasText: /[1-9]\d* captures/ }).waitFor();
      await live.getByRole('button', { name: 'Compare from here on' }).press('Enter');
      const [kept, now] = [1, 2].map((at) => page.locator('.differences th').nth(at));
      await page.getByRole('cell', { name: 'the host (PageTables)' }).waitFor();
      const first = await kept!.textContent();
      await now!.filter({ hasNotText: first! }).waitFor();
      assert.equal(await kept!.textContent(), first);
      await page.getByRole('button', { name: 'Stop comparing' }).press('Enter');
      await page.locator('.differences').waitFor({ state: 'detached' });
    });
  },
);

judgedTest(
  'a question mark lists the keys, as the documentation does',
  [browserJudge],
  async () => {
    const documented = [
      ...readFileSync('docs/view.md', 'utf8').matchAll(/^\| (`.+`) \| (.+) \|$/gm),
    ]
      .filter(([, key]) => !key!.includes('.ptt'))
      .map(([, key, does]) => [key!.replaceAll('`', ''), does]);
    await withViewer({}, async ({ page }) => {
      await page.getByRole('button', { name: 'Keys' }).waitFor();
      await page.keyboard.press('?');
      const dialog = page.getByRole('dialog', { name: 'Keys' });
      await dialog.waitFor();
      await assertAccessible(page, 'keys');
      const [keys, meanings] = [
        await dialog.locator('dt').allTextContents(),
        await dialog.locator('dd').allTextContents(),
      ];
      assert.deepEqual(
        keys.map((key, at) => [key, meanings[at]]),
        documented,
      );
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
    });
  },
);

judgedTest('a view that fails says so, and the others go on', [browserJudge], async () => {
  await withViewer({ file: inputs().trace }, async ({ page, errors }) => {
    await page.locator('.events .event').first().waitFor();
    // What shows the bits of an entry needs it.
    await page.evaluate("BigInt = () => { throw new Error('no integers') }");
    await page.evaluate("location.hash = '#/entry/arm64-4k-48bit/0x40000012345f43?level=0'");
    await page.getByRole('alert').filter({ hasText: 'This view has failed' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'no integers' }).waitFor();
    await assertAccessible(page, 'a view that failed');
    await page.getByRole('link', { name: 'Playground' }).press('Enter');
    await page.locator('.code-editor').waitFor();
    // React says it, too.
    (errors as string[]).length = 0;
  });
});
