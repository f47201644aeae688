/** A fault of a view of ours takes that view only: it is said, and the rest of the page goes on. */
import { Component, type ReactNode } from 'react';

interface State {
  readonly message: string | undefined;
}

export class Guard extends Component<{ readonly children: ReactNode }, State> {
  override readonly state: State = { message: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    const { message } = this.state;
    if (message === undefined) return this.props.children;
    return (
      <section className="empty" role="alert">
        <h1>This view has failed</h1>
        <p>
          A fault of ptshare itself: <code>{message}</code>. Choose another view, or reload the
          page; please report it.
        </p>
      </section>
    );
  }
}
