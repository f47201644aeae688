/** CPUs: what runs there, and which translations their TLBs may still hold. */
import type { Picture, PictureStale } from '../../scene/picture.ts';

interface TlbsProps {
  readonly picture: Picture;
  readonly onEvent: (event: number) => void;
}

export function Tlbs({ picture, onEvent }: TlbsProps) {
  const numbers = new Set([
    ...picture.cpus.map(({ cpu }) => cpu),
    ...picture.stale.map(({ cpu }) => cpu),
  ]);
  return (
    <section aria-labelledby="cpus">
      <h2 id="cpus">
        CPUs and TLBs
        <span className="legend">{picture.open} open</span>
      </h2>
      {numbers.size === 0 && <p className="hint">Nothing runs, and no TLB holds what is stale.</p>}
      {[...numbers]
        .sort((one, other) => one - other)
        .map((cpu) => {
          const running = picture.cpus.find((each) => each.cpu === cpu);
          const stale = picture.stale.filter((each) => each.cpu === cpu);
          return (
            <div key={cpu} className="cpu">
              <h3>{running?.name ?? `CPU ${cpu}`}</h3>
              {running?.actors.map(({ name, stack }) => (
                <p key={name} className="stack">
                  {[...new Set([name, ...stack])].filter((word) => word !== '').join(' › ')}
                </p>
              ))}
              <ul>
                {stale.map((translation) => (
                  <Stale
                    key={`${translation.since} ${translation.start}`}
                    translation={translation}
                    onEvent={onEvent}
                  />
                ))}
              </ul>
            </div>
          );
        })}
    </section>
  );
}

interface StaleProps {
  readonly translation: PictureStale;
  readonly onEvent: (event: number) => void;
}

function Stale({ translation, onEvent }: StaleProps) {
  const { mm, start, end, target, id, since, isFreed } = translation;
  const pages = end - start === 1 ? '' : ` +${end - start - 1}`;
  const where = target === 'mapped' ? 'the same, writable' : `${target} 0x${id.toString(16)}`;
  return (
    <li className={isFreed ? 'stale freed' : 'stale'}>
      <span>
        <b>stale</b> {mm}, page 0x{start.toString(16)}
        {pages} → {where}
        {isFreed && <strong> which is free</strong>}
      </span>
      <button type="button" className="link" onClick={() => onEvent(since)}>
        since {since + 1}
      </button>
    </li>
  );
}
