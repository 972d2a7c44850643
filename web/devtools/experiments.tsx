import { useState } from 'react';
import { Failure } from '../../client/src/index.js';
import { failureText } from '../ui/failure-text.js';
import type { Words } from '../i18n/en.js';
import { useWords } from '../i18n/language.js';
import { callApi } from '../session/api.js';
import { client, useUser } from '../session/session.js';
import { expiryPlanned, lossPlanned } from './transport.js';

/** Tabs to open: enough to see that their refreshes are serialised. */
const TABS = 5;

/** Status text; a function, since the language may change. */
type ResultText = (words: Words) => string;

/** Buttons that inject faults into the page's requests. */
export function Experiments() {
  const words = useWords();
  const { watch } = words;
  const user = useUser();
  const armed = expiryPlanned.use();
  const [result, setResult] = useState<ResultText>();
  const attempt = async (act: () => Promise<unknown>, done?: ResultText) => {
    setResult(undefined);
    try {
      await act();
      setResult(() => done);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setResult((): ResultText => (now) => failureText(error, now));
    }
  };
  return (
    <section aria-labelledby="watch-experiments">
      <h3 id="watch-experiments">{watch.experiments}</h3>
      <div className="experiments">
        <button className="plain" disabled={!user} onClick={() => expiryPlanned.set(true)}>
          {watch.expire}
        </button>
        <button className="plain" disabled={!user} onClick={() => void attempt(() => callApi('/users/me'))}>
          {watch.ask}
        </button>
        <button
          className="plain"
          disabled={!user}
          onClick={() => {
            lossPlanned.set(true);
            void attempt(
              () => client.refresh(),
              (now) => now.watch.wasLost,
            );
          }}
        >
          {watch.lose}
        </button>
        <button
          className="plain"
          onClick={() => {
            const count = openTabs();
            setResult((): ResultText => (now) => now.watch.tabsOpened(count));
          }}
        >
          {watch.tabs}
        </button>
      </div>
      <p className="hint" role="status">
        {armed ? watch.expireArmed : result?.(words)}
      </p>
    </section>
  );
}

/** Opens tabs, and returns their number. Without permission for pop-ups, browsers open one. */
function openTabs(): number {
  const address = `${location.pathname}${location.search}#watch`;
  return Array.from({ length: TABS }, () => window.open(address, '_blank')).filter((tab) => tab !== null)
    .length;
}
