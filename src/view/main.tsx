/** Starts the viewer. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { readSession } from './session.ts';
import { store } from './store.ts';

// Both are under way while the page is drawn.
store.client.start();
const session = readSession();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App session={session} />
  </StrictMode>,
);
