/** 64 bits in two rows, coloured by field: each can be turned over. */
import { type KeyboardEvent, useState } from 'react';
import { bitOf, type Decoded, type Entry, toggled } from './decode.ts';

interface BitsProps {
  readonly decoded: Decoded;
  readonly entry: Entry;
  readonly onEntry: (entry: Entry) => void;
}

const ROW = 32;

export function Bits({ decoded, entry, onEntry }: BitsProps) {
  const [current, setCurrent] = useState(0);
  const move = (event: KeyboardEvent<HTMLElement>): void => {
    const by = { ArrowLeft: 1, ArrowRight: -1, ArrowUp: ROW, ArrowDown: -ROW }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const next = Math.min(Math.max(current + by, 0), 63);
    setCurrent(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-bit="${next}"]`)?.focus();
  };
  return (
    <section className="bits" aria-label="Bits: arrows move, Space turns one over" onKeyDown={move}>
      {[63, 31].map((first) => (
        <div key={first} className="bit-row">
          {Array.from({ length: ROW }, (_, at) => first - at).map((bit) => {
            const field = decoded.fields[decoded.fieldOfBit[bit]!];
            const name = field?.name ?? 'reserved';
            const isFirst = field?.high === bit || bit === first;
            return (
              <button
                key={bit}
                type="button"
                data-bit={bit}
                className={field === undefined ? 'bit reserved' : `bit hue-${field.hue}`}
                tabIndex={bit === current ? 0 : -1}
                aria-label={`bit ${bit}, ${name}: ${bitOf(entry, bit)}`}
                title={`bit ${bit}: ${name}`}
                onFocus={() => setCurrent(bit)}
                onClick={() => onEntry(toggled(entry, bit))}
              >
                <small>{bit}</small>
                <b>{bitOf(entry, bit)}</b>
                <em style={{ maxWidth: `${widthOf(decoded, bit, first) * 100}%` }}>
                  {isFirst ? name : ''}
                </em>
              </button>
            );
          })}
        </div>
      ))}
    </section>
  );
}

/** Bits from here to the end of the field, or of the row. */
function widthOf({ fieldOfBit }: Decoded, bit: number, first: number): number {
  let last = bit;
  while (last > first - ROW + 1 && fieldOfBit[last - 1] === fieldOfBit[bit]) last--;
  return bit - last + 1;
}
