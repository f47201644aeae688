/** Files can be dropped anywhere. */
import { type DragEvent, type ReactNode, useState } from 'react';
import { store } from '../store.ts';

export function DropTarget({ children }: { readonly children: ReactNode }) {
  const [isOver, setIsOver] = useState(false);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setIsOver(false);
    const [file] = event.dataTransfer.files;
    if (file !== undefined) void store.openFile(file);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the Open button does the same by keyboard.
    <div
      className={isOver ? 'app is-over' : 'app'}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) setIsOver(false);
      }}
      onDrop={drop}
    >
      {children}
    </div>
  );
}
