/** Frames below the tables, and the TLBs that may still lead to them. */
import { memo } from 'react';
import {
  FRAME_HEIGHT,
  FRAME_WIDTH,
  type FrameLayout,
  type PlacedFrame,
  type PlacedTlb,
  TLB_WIDTH,
} from './frame_layout.ts';
import type { Point } from './tree_layout.ts';
import type { Window } from './use_window.ts';

interface FrameRowProps extends Window {
  readonly layout: FrameLayout;
}

export function FrameRow({ layout, from, to }: FrameRowProps) {
  const isInSight = ({ x }: Point): boolean => x < to && x + TLB_WIDTH > from;

  return (
    <>
      {layout.links
        .filter((link) => reaches(link, from, to))
        .map((link) => (
          <Curve
            key={`${link.look} ${link.key}`}
            look={`to-frame ${link.look}`}
            d={curveBetween(link.from, link.to)}
          />
        ))}
      {layout.frames.filter(isInSight).map((frame) => (
        <FrameBox key={frame.frame} {...frame} />
      ))}
      {layout.tlbs.filter(isInSight).map((tlb) => (
        <TlbBox key={tlb.cpu} {...tlb} />
      ))}
    </>
  );
}

interface CurveProps {
  readonly look: string;
  /** `curveBetween()` of its ends. */
  readonly d: string;
}

/** An arrow. Most of what is drawn stays as it is from one event to another. */
export const Curve = memo(({ look, d }: CurveProps) => (
  <path className={`link ${look}`} d={d} markerEnd="url(#arrow)" />
));

/** Whether any of an arrow may be between `from` and `to`. */
export function reaches(
  link: { readonly from: Point; readonly to: Point },
  from: number,
  to: number,
): boolean {
  return Math.min(link.from.x, link.to.x) < to && Math.max(link.from.x, link.to.x) > from;
}

/** @param gap between its end and `to` */
export function curveBetween(from: Point, to: Point, gap = 0): string {
  const middle = (from.y + to.y) / 2;
  return `M${from.x} ${from.y}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y - gap}`;
}

const FrameBox = memo(({ frame, mapped, isFree, isTouched, x, y }: PlacedFrame) => {
  const look = ['frame-box', isFree ? 'free' : '', isTouched ? 'touched' : ''].join(' ');
  return (
    <g className={look} transform={`translate(${x} ${y})`}>
      <rect width={FRAME_WIDTH} height={FRAME_HEIGHT} rx="2" />
      <text x="5" y="12">
        0x{frame.toString(16)}
      </text>
      <text x="5" y="24" className="soft">
        {isFree ? 'free' : `frame ×${mapped}`}
      </text>
    </g>
  );
});

const TlbBox = memo(({ cpu, x, y }: PlacedTlb) => (
  <g className="tlb-box" transform={`translate(${x} ${y})`}>
    <rect width={TLB_WIDTH} height={FRAME_HEIGHT} rx="12" />
    <text x="10" y="12">
      CPU {cpu}
    </text>
    <text x="10" y="24" className="stale-text">
      stale TLB
    </text>
  </g>
));
