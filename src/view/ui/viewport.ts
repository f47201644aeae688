/** A window on a long axis: zoomed and panned by wheel, drag and keys, never beyond its ends. */
import {
  type KeyboardEvent,
  type PointerEvent,
  useCallback,
  useEffect,
  useRef,
  useState,
} from 'react';

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Viewport {
  readonly span: Span;
  readonly show: (span: Span) => void;
  /** Puts `at` into the window if it is outside. */
  readonly reveal: (at: number) => void;
  readonly onKeyDown: (event: KeyboardEvent) => boolean;
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  /** Wheels need a listener that may prevent scrolling, which React does not add. */
  readonly wheelOn: (element: HTMLElement | null) => void;
}

const ZOOM = 1.4;
const PAN = 0.12;

/** @param least the smallest width of the window */
export function useViewport(whole: Span, least: number): Viewport {
  const [span, setSpan] = useState(whole);
  const current = useRef(span);
  current.current = span;
  const show = useCallback((next: Span) => setSpan(fit(next, whole, least)), [whole, least]);
  const wholeBefore = useRef(whole);
  useEffect(() => {
    const before = wholeBefore.current;
    wholeBefore.current = whole;
    const isGrown = whole.from === before.from && whole.to > before.to;
    // Who looks at a part of what grows goes on looking at it.
    setSpan((span) => (isGrown && !isSame(span, before) ? span : whole));
  }, [whole]);

  const zoom = useCallback(
    (factor: number, around: number) => {
      const { from, to } = current.current;
      show({ from: around - (around - from) * factor, to: around + (to - around) * factor });
    },
    [show],
  );
  const pan = useCallback(
    (part: number) => {
      const { from, to } = current.current;
      const by = (to - from) * part;
      show({ from: from + by, to: to + by });
    },
    [show],
  );
  const reveal = useCallback(
    (at: number) => {
      const { from, to } = current.current;
      if (at >= from && at <= to) return;
      const half = (to - from) / 2;
      show({ from: at - half, to: at + half });
    },
    [show],
  );
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const middle = (current.current.from + current.current.to) / 2;
    const act = KEYS[event.key.toLowerCase()];
    if (act === undefined) return false;
    event.preventDefault();
    if (act === 'in') zoom(1 / ZOOM, middle);
    else if (act === 'out') zoom(ZOOM, middle);
    else if (act === 'all') show(whole);
    else pan(act === 'left' ? -PAN : PAN);
    return true;
  };
  const onPointerDown = (event: PointerEvent<HTMLElement>): void => {
    if (event.button === 0) drag(event, current.current, show);
  };
  const wheelOn = useWheel((event, element) => {
    const { from, to } = current.current;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      pan((event.deltaX || event.deltaY) / 1000);
      return;
    }
    const bounds = element.getBoundingClientRect();
    const part = (event.clientX - bounds.left) / bounds.width;
    zoom(ZOOM ** (event.deltaY / 100), from + (to - from) * part);
  });
  return { span, show, reveal, onKeyDown, onPointerDown, wheelOn };
}

/** The window follows the pointer until it is let go. */
function drag(
  { currentTarget, clientX }: PointerEvent<HTMLElement>,
  begun: Span,
  show: (span: Span) => void,
): void {
  const width = currentTarget.clientWidth;
  const move = (moved: globalThis.PointerEvent): void => {
    const by = ((begun.to - begun.from) * (clientX - moved.clientX)) / width;
    show({ from: begun.from + by, to: begun.to + by });
  };
  const end = (): void => {
    removeEventListener('pointermove', move);
    removeEventListener('pointerup', end);
  };
  addEventListener('pointermove', move);
  addEventListener('pointerup', end);
}

const KEYS: Readonly<Record<string, 'in' | 'out' | 'left' | 'right' | 'all'>> = {
  w: 'in',
  '+': 'in',
  '=': 'in',
  s: 'out',
  '-': 'out',
  a: 'left',
  d: 'right',
  '0': 'all',
};

function useWheel(
  act: (event: WheelEvent, element: HTMLElement) => void,
): (element: HTMLElement | null) => void {
  const latest = useRef(act);
  latest.current = act;
  const stop = useRef<() => void>(() => {});
  return useCallback((element: HTMLElement | null) => {
    stop.current();
    if (element === null) return;
    const listener = (event: WheelEvent): void => {
      // Only with Ctrl, or when the window has the focus: a page must scroll past it.
      if (!event.ctrlKey && document.activeElement !== element) return;
      event.preventDefault();
      latest.current(event, element);
    };
    element.addEventListener('wheel', listener, { passive: false });
    stop.current = () => element.removeEventListener('wheel', listener);
  }, []);
}

function isSame(one: Span, other: Span): boolean {
  return one.from === other.from && one.to === other.to;
}

function fit({ from, to }: Span, whole: Span, least: number): Span {
  const size = Math.min(Math.max(to - from, least), whole.to - whole.from);
  const start = Math.min(Math.max(from, whole.from), whole.to - size);
  return { from: start, to: start + size };
}
