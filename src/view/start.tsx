/** Nothing is open: what there is to see, and how to get there. */
import { linkTo } from './route.ts';
import { OpenButton } from './ui/top_bar.tsx';

const DOORS = [
  {
    title: 'What do page tables cost on this host?',
    text: 'Who pays, which tables exist twice, what each design for sharing would save.',
    command: 'ptshare host --save host.parquet\nptshare view host.parquet',
    link: linkTo('host'),
    action: 'Host',
  },
  {
    title: 'What does the engine do, step by step?',
    text: 'CPUs, locks, IPIs, page-table trees and the flush ledger, forward and backward.',
    command: 'ptshare run script.txt --trace run.ptt\nptshare view run.ptt',
    link: linkTo('execution'),
    action: 'Execution',
  },
  {
    title: 'Why does this race go wrong?',
    text: 'A counterexample as a story, with the fixed run beside it. CVE-2018-18281, for instance.',
    command: 'ptshare check CVE-2018-18281 --json > finding.json\nptshare view finding.json',
    link: linkTo('finding', ['C1']),
    action: 'See CVE-2018-18281',
  },
  {
    title: 'What if these calls race?',
    text: 'Write what each CPU does, switch a known bug on, explore every interleaving right here.',
    command: 'munmap(a, 4*K)   against   store(a, 7)',
    link: linkTo('playground'),
    action: 'Playground',
  },
] as const;

export function StartView() {
  return (
    <section className="start">
      <h1>See the tables, the sharing and the race</h1>
      <p>
        <OpenButton label="Open a file…" className="primary" /> or drop one: a snapshot, a report, a
        trace or a finding. Nothing leaves this browser.
      </p>
      <ul className="doors">
        {DOORS.map(({ title, text, command, link, action }) => (
          <li key={title}>
            <h2>{title}</h2>
            <p>{text}</p>
            <pre>
              <code>{command}</code>
            </pre>
            <a className="button" href={link}>
              {action}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
