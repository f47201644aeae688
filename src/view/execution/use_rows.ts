/** The rows of a scrolled list that are in sight: all of them have the same height. */
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';

export interface Rows {
  readonly from: number;
  /** Behind the last. */
  readonly to: number;
  /** Scrolls as far as it takes to have a row in sight. */
  readonly reveal: (row: number) => void;
}

/** Rows that are drawn beyond each end, for who scrolls. */
const MARGIN = 2;
/** Before it is known how high the list is. */
const FIRST_ROWS = 32;

/** What has been measured: to ask again would make the browser lay out the page. */
interface Place {
  top: number;
  height: number;
  /** 0: not known yet. */
  rowHeight: number;
  wanted: number;
}

/** @param isThere whether `list` has rows by now */
export function useRows(list: RefObject<HTMLElement | null>, isThere: boolean): Rows {
  const [range, setRange] = useState({ from: 0, to: FIRST_ROWS });
  const place = useRef<Place>({ top: 0, height: 0, rowHeight: 0, wanted: 0 });
  const update = useCallback(() => {
    const { top, height, rowHeight } = place.current;
    // Without rows there would be nothing to measure.
    if (rowHeight === 0) return;
    const from = Math.max(0, Math.floor(top / rowHeight) - MARGIN);
    const to = Math.ceil((top + height) / rowHeight) + MARGIN;
    setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
  }, []);
  const reveal = useCallback(
    (row: number) => {
      const { top, height, rowHeight } = place.current;
      place.current.wanted = row;
      if (list.current === null || rowHeight === 0) return;
      const shown = Math.max((row + 1) * rowHeight - height, Math.min(top, row * rowHeight));
      if (shown === top) return;
      list.current.scrollTop = shown;
      place.current.top = shown;
      update();
    },
    [list, update],
  );
  useEffect(() => {
    const element = list.current;
    if (element === null || !isThere) return;
    const onScroll = (): void => {
      place.current.top = element.scrollTop;
      update();
    };
    const observer = new ResizeObserver(() => {
      const { firstElementChild } = element;
      if (firstElementChild === null) return;
      const isFirst = place.current.rowHeight === 0;
      place.current.height = element.clientHeight;
      place.current.rowHeight = firstElementChild.getBoundingClientRect().height;
      onScroll();
      // Who has scrolled by now is where they want to be.
      if (isFirst && place.current.top === 0) reveal(place.current.wanted);
    });
    observer.observe(element);
    element.addEventListener('scroll', onScroll);
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, [list, isThere, update, reveal]);
  return { ...range, reveal };
}
