import './styles/index.css';
import './app.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { LanguageProvider } from './i18n/language.js';
import { readArrival } from './session/arrival.js';
import { queryClient } from './session/queries.js';
import { togglePanel } from './devtools/panel-open.js';
import { startDevtools } from './devtools/transport.js';
import { bootstrap } from './auth/bootstrap.js';
import { openMailedLink } from './auth/mailed-link.js';
import { App } from './app.js';

const root = document.getElementById('page');
if (root === null) throw new Error('the HTML has no #page');
startDevtools();
const arrival = readArrival();
if (arrival.watch) togglePanel();
openMailedLink(arrival.mailedLink);
// A mailed link opened in this tab changes the fragment only.
addEventListener('hashchange', () => {
  if (/^#(verify-email=|reset-password=|watch$)/.test(location.hash)) location.reload();
});
createRoot(root).render(
  <StrictMode>
    <LanguageProvider requested={arrival.language}>
      <QueryClientProvider client={queryClient}>
        <App />
      </QueryClientProvider>
    </LanguageProvider>
  </StrictMode>,
);
void bootstrap(arrival);
