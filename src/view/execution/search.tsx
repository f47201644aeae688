/** Finds events by what they say. */
import { memo, type RefObject, useState } from 'react';
import { store } from '../store.ts';

interface SearchProps {
  readonly id: number;
  /** Where to search from: looked up when it is needed. */
  readonly cursor: RefObject<number>;
  readonly onFound: (event: number) => void;
}

export const Search = memo(({ id, cursor, onFound }: SearchProps) => {
  const [text, setText] = useState('');
  const [isMissing, setIsMissing] = useState(false);
  const find = async (isForward: boolean): Promise<void> => {
    if (text === '') return;
    const from = cursor.current;
    const found = await store.client.ask('search', { id, text, from, isForward });
    setIsMissing(found < 0);
    if (found >= 0) onFound(found);
  };
  return (
    <form
      className="search"
      onSubmit={(event) => {
        event.preventDefault();
        void find(true);
      }}
    >
      <input
        type="search"
        value={text}
        placeholder="Find events"
        aria-label="Find events; Enter goes on, Shift Enter back"
        onChange={({ target }) => {
          setText(target.value);
          setIsMissing(false);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !event.shiftKey) return;
          event.preventDefault();
          void find(false);
        }}
      />
      <span role="status">{isMissing ? 'nothing further' : ''}</span>
    </form>
  );
});
