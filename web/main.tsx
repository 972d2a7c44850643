import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';

const place = document.getElementById('page');
if (place === null) throw new Error('the HTML has no #page');
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
