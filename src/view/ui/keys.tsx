/** Which keys there are, when somebody asks: the list of docs/view.md. */
import { useEffect, useRef } from 'react';
import { isTyping } from './is_typing.ts';

const KEYS = [
  ['→ ←', 'next event or step, the one before'],
  ['Shift → Shift ←', 'in Execution: the next step of the schedule; in Finding: folded steps, too'],
  ['Home End', 'first, last'],
  ['V', 'the violation'],
  ['F, U', 'in Finding: the fixed run; all steps unfolded'],
  ['W S A D, 0', 'on a timeline or strip: zoom in and out, pan, show all'],
  ['Enter, Shift Enter', 'in the search field: next, before'],
  ['Ctrl Enter', 'in the editor: explore'],
  ['?', 'these keys'],
] as const;

export function KeysButton() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== '?' || isTyping(event) || dialog.current?.open !== false) return;
      event.preventDefault();
      dialog.current.showModal();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return (
    <>
      <button
        type="button"
        className="quiet"
        aria-label="Keys"
        title="Keys (?)"
        onClick={() => dialog.current?.showModal()}
      >
        ?
      </button>
      <dialog ref={dialog} className="keys" aria-labelledby="keys">
        <h2 id="keys">Keys</h2>
        <dl>
          {KEYS.map(([key, does]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  );
}
