import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
// Clears the stored drafts of the page after a logout here.
import '../boards/drafts.js';
import { bootstrap } from '../auth/bootstrap.js';
import { QueryClientProvider } from '@tanstack/react-query';
import { LanguageProvider } from '../i18n/language.js';
import { startDevtools } from '../devtools/transport.js';
import { readArrival } from '../session/arrival.js';
import { queryClient } from '../session/queries.js';
import { Bar } from './bar.js';
import { patchAccessibility } from './a11y-patches.js';
import { startSwaggerUi } from './swagger-ui.js';
import './docs.css';

const root = document.getElementById('bar');
if (root === null) throw new Error('the HTML has no #bar');
startDevtools();
const arrival = readArrival();
createRoot(root).render(
  <StrictMode>
    <LanguageProvider requested={arrival.language}>
      <QueryClientProvider client={queryClient}>
        <Bar />
      </QueryClientProvider>
    </LanguageProvider>
  </StrictMode>,
);
const swaggerUi = document.getElementById('swagger-ui');
if (swaggerUi === null) throw new Error('the HTML has no #swagger-ui');
patchAccessibility(swaggerUi);
startSwaggerUi(swaggerUi);
void bootstrap(arrival);
