/** Name, views, the file that is open, and how it looks. */
import { useRef } from 'react';
import { linkTo, type Route, VIEWS, type ViewName } from '../route.ts';
import { store, useStore } from '../store.ts';
import { KeysButton } from './keys.tsx';
import { useTheme } from './theme.ts';

const ICON = new URL('../icon.svg', import.meta.url).href;

const TITLES: Readonly<Record<ViewName, string>> = {
  host: 'Host',
  execution: 'Execution',
  finding: 'Finding',
  playground: 'Playground',
  entry: 'Entry',
};

export function TopBar({ route }: { readonly route: Route }) {
  return (
    <header className="top-bar">
      <button
        type="button"
        className="skip"
        onClick={() => document.getElementById('main')?.focus()}
      >
        Skip to the view
      </button>
      <a className="brand" href="#/">
        <img src={ICON} alt="" width="18" height="18" /> ptshare
      </a>
      <nav aria-label="Views">
        {VIEWS.map((view) => (
          <a key={view} href={linkTo(view)} aria-current={route.view === view ? 'page' : undefined}>
            {TITLES[view]}
          </a>
        ))}
      </nav>
      <FileButton view={route.view} />
      <KeysButton />
      <ThemeButton />
    </header>
  );
}

function FileButton({ view }: { readonly view: Route['view'] }) {
  const { busy, host, execution, findings } = useStore();
  const own = { host, execution, finding: findings };
  const isOwn = view === 'host' || view === 'execution' || view === 'finding';
  const open = (isOwn ? own[view] : undefined) ?? execution ?? findings ?? host;
  return (
    <span className="file">
      <span className="file-name" title={open?.name}>
        {busy ?? open?.name ?? 'nothing is open'}
      </span>
      <OpenButton label="Open…" />
    </span>
  );
}

interface OpenButtonProps {
  readonly label: string;
  readonly as?: 'document' | 'before';
  readonly className?: string;
}

export function OpenButton({ label, as = 'document', className }: OpenButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className={className} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={label}
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file !== undefined) void store.openFile(file, as);
          target.value = '';
        }}
      />
    </>
  );
}

function ThemeButton() {
  const [theme, next] = useTheme();
  return (
    <button
      type="button"
      className="quiet"
      onClick={next}
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}`}
    >
      {theme === 'light' ? '☀' : theme === 'dark' ? '☾' : '◐'}
    </button>
  );
}
