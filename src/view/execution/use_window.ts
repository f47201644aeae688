/** The part of something wide that is in sight, and some more at its sides. */
import { type RefObject, useEffect, useState } from 'react';

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Which part it is changes in steps of that many pixels. */
const STEP = 256;

/**
 * @param isThere whether `element` is in its scrolled parent by now
 * @returns in pixels from the left of `element`
 */
export function useWindow(element: RefObject<Element | null>, isThere: boolean): Window {
  const [window, setWindow] = useState<Window>({ from: 0, to: 8 * STEP });
  useEffect(() => {
    const place = isThere ? element.current?.parentElement : undefined;
    if (place == null) return;
    const update = (): void => {
      const from = (Math.floor(place.scrollLeft / STEP) - 1) * STEP;
      const to = (Math.ceil((place.scrollLeft + place.clientWidth) / STEP) + 1) * STEP;
      setWindow((before) => (before.from === from && before.to === to ? before : { from, to }));
    };
    const observer = new ResizeObserver(update);
    observer.observe(place);
    place.addEventListener('scroll', update);
    return () => {
      observer.disconnect();
      place.removeEventListener('scroll', update);
    };
  }, [element, isThere]);
  return window;
}
