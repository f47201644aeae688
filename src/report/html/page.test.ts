import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { HOSTILE_NAMES, hostileReport, hostReport } from '../../../test/host_report.ts';
import { printable } from '../printable.ts';
import { html } from './markup.ts';
import { renderHostHtml } from './page.ts';
import { STYLE, STYLE_HASH } from './style.ts';

/** Prints the tags and attributes of a page, and its text, as Python's HTML parser sees them. */
const PARSE = `
import json, sys
from html.parser import HTMLParser
class Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], [], []
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]
        self.attributes += ['external: ' + str(value) for name, value in attributes if name in ('src', 'href', 'xlink:href')]
        if tag not in ('meta', 'br'): self.open.append(tag)
    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.text.append(data)
parser = Parser()
parser.feed(sys.stdin.read())
parser.close()
assert parser.open == [], parser.open
json.dump({'tags': sorted(set(parser.tags)), 'attributes': sorted(set(parser.attributes)), 'text': ''.join(parser.text)}, sys.stdout)
`;

interface Parsed {
  readonly tags: string[];
  readonly attributes: string[];
  readonly text: string;
}

const hasPython = spawnSync('python3', ['--version']).status === 0;
const needsPython = { skip: hasPython ? false : 'python3, the judge, is not installed' };

function parse(page: string): Parsed {
  const printed = execFileSync('python3', ['-c', PARSE], { input: page, encoding: 'utf8' });
  return JSON.parse(printed) as Parsed;
}

test('a page of hostile names has the tags of a page of ordinary ones', needsPython, () => {
  const ordinary = parse(renderHostHtml(hostReport()));
  const hostile = parse(renderHostHtml(hostileReport()));
  assert.deepEqual(hostile.tags, ordinary.tags);
  assert.deepEqual(hostile.attributes, ordinary.attributes);
  for (const name of HOSTILE_NAMES) assert.ok(hostile.text.includes(printable(name)), name);
});

test('a page has no script, no handler and nothing from elsewhere', needsPython, () => {
  const { tags, attributes } = parse(renderHostHtml(hostileReport()));
  for (const tag of ['script', 'img', 'link', 'iframe', 'object', 'form', 'base']) {
    assert.ok(!tags.includes(tag), tag);
  }
  assert.deepEqual(
    attributes.filter((name) => name.startsWith('on') || /^(external|style)/.test(name)),
    [],
  );
});

test('the policy allows the style sheet by its digest, and nothing else', () => {
  const digest = createHash('sha256').update(STYLE).digest('base64');
  assert.equal(STYLE_HASH, `sha256-${digest}`);
  const page = renderHostHtml(hostReport());
  const sheet = /<style>(.*?)<\/style>/s.exec(page)![1];
  assert.equal(sheet, STYLE);
  assert.match(
    page,
    /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
  );
  assert.doesNotMatch(STYLE, /@import|https?:/);
});

test('the page has the pictures and the numbers of the text report', needsPython, () => {
  const { text } = parse(renderHostHtml(hostReport()));
  for (const part of [
    'Page tables take 3.21 GiB: 5.1% of 63.3 GiB RAM',
    'By process group, one tile a process',
    'By what is mapped',
    'Give PostgreSQL its shared memory in huge pages',
    'sysctl -w vm.nr_hugepages=8398',
    '141 of 143 address spaces explained to the page',
  ]) {
    assert.ok(text.includes(part), part);
  }
});

test('areas of the treemap are in proportion to bytes', () => {
  const page = renderHostHtml(hostReport());
  const area = (name: string): number => {
    const box = page.slice(page.indexOf(`<g><title>${name}: `));
    const group = box.slice(0, box.indexOf('</g>'));
    const rects = [
      ...group.matchAll(/class="(?:once|repeated)" [^>]*width="([\d.]+)" height="([\d.]+)"/g),
    ];
    return rects.reduce((sum, [, width, height]) => sum + Number(width) * Number(height), 0);
  };
  const ratio = area('postgres') / area('market-data-fee');
  const { groups } = hostReport();
  const bytes = groups[0]!.vmPteBytes / groups[1]!.vmPteBytes;
  assert.ok(Math.abs(ratio / bytes - 1) < 0.01, `${ratio} for ${bytes}`);
});

test('html`` escapes strings, joins lists, leaves out gaps, and keeps markup', () => {
  const part = html`<b>${'<'}</b>`;
  assert.equal(html`${[part, undefined, 'a&"\'']}${7}`.text, '<b>&lt;</b>a&amp;&quot;&#39;7');
});
