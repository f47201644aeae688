/** As much of a long list as has been scrolled to: what nobody sees need not be drawn. */
import { useCallback, useRef, useState } from 'react';

/** Added each time, in pixels of the margin below what is in sight, and in items. */
const AHEAD = '200px';
const STEP = 60;

/** @returns how many items to draw, and the callback of an element behind the last of them */
export function useMore(): readonly [number, (end: Element | null) => void] {
  const [count, setCount] = useState(STEP);
  const observer = useRef<IntersectionObserver>(undefined);
  const endOn = useCallback((end: Element | null) => {
    observer.current?.disconnect();
    if (end === null) return;
    observer.current = new IntersectionObserver(
      ([entry]) => {
        if (entry!.isIntersecting) setCount((before) => before + STEP);
      },
      { root: end.closest('.side'), rootMargin: AHEAD },
    );
    observer.current.observe(end);
  }, []);
  return [count, endOn];
}
