/** Frames below the tables, and the TLBs that may still lead to them. */
import {
  FRAME_HEIGHT,
  FRAME_WIDTH,
  type FrameLayout,
  type FrameLink,
  type PlacedFrame,
  type PlacedTlb,
  TLB_WIDTH,
} from './frame_layout.ts';

export function FrameRow({ layout }: { readonly layout: FrameLayout }) {
  return (
    <>
      {layout.links.map((link) => (
        <Line key={`${link.look} ${link.key}`} link={link} />
      ))}
      {layout.frames.map((frame) => (
        <FrameBox key={frame.frame} placed={frame} />
      ))}
      {layout.tlbs.map((tlb) => (
        <TlbBox key={tlb.cpu} tlb={tlb} />
      ))}
    </>
  );
}

function Line({ link: { from, to, look } }: { readonly link: FrameLink }) {
  const middle = (from.y + to.y) / 2;
  return (
    <path
      className={`link to-frame ${look}`}
      d={`M${from.x} ${from.y}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y}`}
      markerEnd="url(#arrow)"
    />
  );
}

function FrameBox({ placed: { frame, mapped, isFree, isTouched, x, y } }: { placed: PlacedFrame }) {
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
}

function TlbBox({ tlb: { cpu, x, y } }: { readonly tlb: PlacedTlb }) {
  return (
    <g className="tlb-box" transform={`translate(${x} ${y})`}>
      <rect width={TLB_WIDTH} height={FRAME_HEIGHT} rx="12" />
      <text x="10" y="12">
        CPU {cpu}
      </text>
      <text x="10" y="24" className="stale-text">
        stale TLB
      </text>
    </g>
  );
}
