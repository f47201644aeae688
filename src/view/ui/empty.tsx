/** A view that has nothing to show yet says what to do next. */
import type { ReactNode } from 'react';
import { OpenButton } from './top_bar.tsx';

interface EmptyProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Commands that write what can be shown here. */
  readonly commands?: readonly string[];
}

export function Empty({ title, children, commands = [] }: EmptyProps) {
  return (
    <section className="empty">
      <h1>{title}</h1>
      <p>{children}</p>
      {commands.map((command) => (
        <pre key={command}>
          <code>{command}</code>
        </pre>
      ))}
      <p>
        <OpenButton label="Open a file…" className="primary" /> or drop one anywhere on this page.
      </p>
    </section>
  );
}
