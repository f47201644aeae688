/** The bits of a page-table entry, in the drawing of its architecture. */
import { useState } from 'react';
import { FORMATS, formatById, type PteFormat } from '../../arch/index.ts';
import { goTo, linkTo, type Route } from '../route.ts';
import { Bits } from './bits.tsx';
import { type Decoded, decode, type Entry, parseEntry, textOf } from './decode.ts';

/** A leaf of Linux: present, writable, user, accessed, dirty, no execute. */
const EXAMPLE = '0x8000000012345867';

export function EntryView({ route }: { readonly route: Route }) {
  const [id = 'x86_64-4level', text = EXAMPLE] = route.path;
  const format = formatById(id) ?? FORMATS[0]!;
  const wanted = Number(route.parameters.get('level') ?? 0);
  const level = Number.isInteger(wanted) ? Math.min(Math.max(wanted, 0), format.levels - 1) : 0;
  const entry = parseEntry(text) ?? { low: 0, high: 0 };
  const show = (next: { format?: string; level?: number; entry?: Entry }): void =>
    goTo(
      linkTo('entry', [next.format ?? format.id, textOf(next.entry ?? entry)], {
        level: String(next.level ?? level),
      }),
      true,
    );
  const decoded = decode(format, level, entry);
  return (
    <div className="entry">
      <h1>Entry inspector</h1>
      <div className="entry-form">
        <label>
          Format
          <select
            value={format.id}
            onChange={({ target }) => show({ format: target.value, level: 0 })}
          >
            {FORMATS.map((each) => (
              <option key={each.id}>{each.id}</option>
            ))}
          </select>
        </label>
        <label>
          Level
          <select value={level} onChange={({ target }) => show({ level: Number(target.value) })}>
            {format.indexBits.map((bits, each) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a level is a number.
              <option key={each} value={each}>
                {each} ({spanOf(format, each)} an entry, {2 ** bits} entries)
              </option>
            ))}
          </select>
        </label>
        <ValueInput key={textOf(entry)} entry={entry} onEntry={(next) => show({ entry: next })} />
      </div>
      <Bits decoded={decoded} entry={entry} onEntry={(next) => show({ entry: next })} />
      <Meaning decoded={decoded} />
    </div>
  );
}

function spanOf({ entryPages, pageShift }: PteFormat, level: number): string {
  const bytes = entryPages[level]! * 2 ** pageShift;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const unit = Math.floor(Math.log2(bytes) / 10);
  return `${bytes / 1024 ** unit} ${units[unit]}`;
}

interface ValueInputProps {
  readonly entry: Entry;
  readonly onEntry: (entry: Entry) => void;
}

function ValueInput({ entry, onEntry }: ValueInputProps) {
  const [text, setText] = useState(textOf(entry));
  const parsed = parseEntry(text);
  return (
    <label>
      Value
      <input
        className="mono"
        value={text}
        spellCheck={false}
        aria-invalid={parsed === undefined}
        onChange={({ target }) => setText(target.value)}
        onBlur={() => parsed !== undefined && onEntry(parsed)}
        onKeyDown={({ key }) => {
          if (key === 'Enter' && parsed !== undefined) onEntry(parsed);
        }}
      />
      {parsed === undefined && <small className="caveat">up to 16 hexadecimal digits</small>}
    </label>
  );
}

function Meaning({ decoded }: { readonly decoded: Decoded }) {
  return (
    <div className="meaning">
      <section aria-labelledby="means">
        <h2 id="means">What it means</h2>
        <dl>
          {decoded.meaning.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section aria-labelledby="fields">
        <h2 id="fields">Fields</h2>
        <table>
          <thead>
            <tr>
              <th>Field</th>
              <th className="number">Bits</th>
              <th className="number">Value</th>
            </tr>
          </thead>
          <tbody>
            {decoded.fields.map(({ name, low, high, value, hue }) => (
              <tr key={name}>
                <td>
                  <i className={`hue hue-${hue}`} /> {name}
                </td>
                <td className="number">{low === high ? low : `${high}–${low}`}</td>
                <td className="number mono">0x{value.toString(16)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
