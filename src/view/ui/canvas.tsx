/** A canvas that fills its place, sharp on every screen, drawn anew when anything changes. */
import { type CanvasHTMLAttributes, type RefObject, useEffect, useRef, useState } from 'react';
import { THEME_CHANGED } from './theme.ts';

export interface Surface {
  readonly context: OffscreenCanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** The value of a custom property of the style sheet. */
  color(name: string): string;
}

export interface CanvasProps extends CanvasHTMLAttributes<HTMLCanvasElement> {
  /** In CSS pixels; the width follows the place. */
  readonly height: number;
  readonly draw: (surface: Surface) => void;
}

export function Canvas({ height, draw, ...rest }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  const drawn = useRef<OffscreenCanvas>(undefined);
  const [colors, setColors] = useState(noColors);
  useEffect(() => onLookChange(() => setColors(noColors)), []);
  useEffect(() => {
    const element = canvas.current;
    const shown = element?.getContext('bitmaprenderer');
    if (element == null || shown == null || width === 0) return;
    const ratio = devicePixelRatio;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    const page = pageOf(drawn, wide, high);
    const context = page.getContext('2d')!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw({ context, width, height, color: colorsOf(element, colors) });
    // A canvas that is drawn on itself is copied for every frame, drawn on or not.
    shown.transferFromImageBitmap(page.transferToImageBitmap());
  }, [draw, width, height, colors]);
  return <canvas ref={canvas} className="canvas" {...rest} style={{ height }} />;
}

/** To draw on: empty, and of that size. It is made anew only if it had another one, which is slow. */
function pageOf(
  kept: RefObject<OffscreenCanvas | undefined>,
  width: number,
  height: number,
): OffscreenCanvas {
  const { current } = kept;
  if (current?.width === width && current.height === height) return current;
  kept.current = new OffscreenCanvas(width, height);
  return kept.current;
}

const noColors = (): Map<string, string> => new Map();

/** What custom properties stand for in the look of now: kept, because asking makes style anew. */
function colorsOf(element: HTMLElement, known: Map<string, string>): (name: string) => string {
  return (name) => {
    let color = known.get(name);
    if (color === undefined) {
      element.style.color = `var(--${name})`;
      color = getComputedStyle(element).color;
      known.set(name, color);
    }
    return color;
  };
}

export function useWidth(element: RefObject<Element | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (element.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

function onLookChange(notify: () => void): () => void {
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', notify);
  addEventListener(THEME_CHANGED, notify);
  return () => {
    scheme.removeEventListener('change', notify);
    removeEventListener(THEME_CHANGED, notify);
  };
}
