/** Frames with how many entries lead to each. */
import { memo } from 'react';
import type { PictureFrame } from '../../scene/picture.ts';
import { useMore } from '../ui/use_more.ts';

interface FramesProps {
  readonly frames: readonly PictureFrame[];
  readonly hasMore: boolean;
}

export function Frames({ frames, hasMore }: FramesProps) {
  const [count, endOn] = useMore();
  return (
    <section aria-labelledby="frames">
      <h2 id="frames">
        Frames <span className="legend">mapped by so many entries</span>
      </h2>
      {frames.length === 0 && <p className="hint">No frame is in use.</p>}
      <ul className="frames">
        {frames.slice(0, count).map((frame) => (
          <FrameItem key={frame.frame} {...frame} />
        ))}
      </ul>
      {count < frames.length && <i key={count} ref={endOn} />}
      {hasMore && <p className="hint">and more, which nothing happens to</p>}
    </section>
  );
}

/** Most stay as they are from one event to another. */
const FrameItem = memo((frame: PictureFrame) => (
  <li className={lookOf(frame)} title={titleOf(frame)}>
    <span className="mono">{frame.frame.toString(16)}</span>
    {frame.order > 0 && <small>2^{frame.order}</small>}
    <b>{frame.isFree ? 'free' : `×${frame.mapped}`}</b>
  </li>
));

function lookOf({ isTouched, isFree, mapped }: PictureFrame): string {
  return [
    isTouched ? 'touched' : '',
    isFree ? 'free' : '',
    mapped > 1 ? 'common' : mapped === 0 ? 'unmapped' : '',
  ].join(' ');
}

function titleOf({ frame, order, mapped, writable, isFree }: PictureFrame): string {
  if (isFree) return `frame 0x${frame.toString(16)} is free`;
  const size = order === 0 ? '' : ` of order ${order}`;
  return `frame 0x${frame.toString(16)}${size}: ${mapped} entries lead to it, ${writable} of them writable`;
}
