import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
// Drafts that the page before has stored are cleared here, too, when their account logs out.
import '../boards/drafts.js';
import { arrive } from '../entry/arrive.js';
import { LanguageProvider } from '../language/language.js';
import { readArrival } from '../session/arrival.js';
import { Bar } from './bar.js';
import { mend } from './mend.js';
import { startSwaggerUi } from './swagger-ui.js';
import './docs.css';

const place = document.getElementById('bar');
if (place === null) throw new Error('the HTML has no #bar');
const arrival = readArrival();
createRoot(place).render(
  <StrictMode>
    <LanguageProvider asked={arrival.language}>
      <Bar />
    </LanguageProvider>
  </StrictMode>,
);
const swaggerUi = document.getElementById('swagger-ui');
if (swaggerUi === null) throw new Error('the HTML has no #swagger-ui');
mend(swaggerUi);
startSwaggerUi(swaggerUi);
void arrive(arrival);
