/** Who pays, as areas: hatched is what exists elsewhere, too. */
import { useMemo, useRef } from 'react';
import { formatBytes } from '../../report/quantity.ts';
import { useWidth } from '../ui/canvas.tsx';
import { type Box, layOut, type Payer } from './tiles.ts';

/** An upper estimate: what does not fit is better left out than cut off. */
const LETTER_WIDTH = 8.5;
const PLATE_MARGINS = 26;

interface TreemapProps {
  readonly label: string;
  readonly payers: readonly Payer[];
  readonly height: number;
  readonly selected: string | undefined;
  readonly onSelect: (key: string) => void;
}

export function Treemap({ label, payers, height, selected, onSelect }: TreemapProps) {
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place);
  const boxes = useMemo(() => layOut(payers, width, height), [payers, width, height]);
  return (
    <section ref={place} className="treemap" style={{ height }} aria-label={label}>
      {boxes.map((box) => (
        <Tile
          key={box.payer.key}
          box={box}
          isSelected={box.payer.key === selected}
          onSelect={onSelect}
        />
      ))}
    </section>
  );
}

interface TileProps {
  readonly box: Box;
  readonly isSelected: boolean;
  readonly onSelect: (key: string) => void;
}

function Tile({ box, isSelected, onSelect }: TileProps) {
  const { payer, x, y, width, height, parts } = box;
  const again = payer.bytes === 0 ? 0 : payer.duplicateBytes / payer.bytes;
  const summary = `${payer.name}: ${formatBytes(payer.bytes)}, of it the same again ${formatBytes(payer.duplicateBytes)}`;
  const hasName = width > 46 && height > 20;
  const size = formatBytes(payer.bytes);
  const hasSize = (payer.name.length + size.length) * LETTER_WIDTH + PLATE_MARGINS < width;
  return (
    <button
      type="button"
      className="tile"
      aria-pressed={isSelected}
      aria-label={summary}
      title={summary}
      style={{ left: x, top: y, width: Math.max(width - 1, 1), height: Math.max(height - 1, 1) }}
      onClick={() => onSelect(payer.key)}
    >
      <span className="again" style={{ height: `${again * 100}%` }} />
      {parts.map((part) => (
        <span
          key={`${part.x} ${part.y}`}
          className="part"
          style={{ left: part.x - x, top: part.y - y, width: part.width, height: part.height }}
        />
      ))}
      {hasName && (
        <span className="plate">
          {payer.name} {hasSize && <small>{size}</small>}
        </span>
      )}
    </button>
  );
}
