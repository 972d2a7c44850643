import { useState } from 'react';
import { Failure } from '../../client/src/index.js';
import { failureText } from '../ui/failure-text.js';
import type { Words } from '../i18n/en.js';
import { useWords } from '../i18n/language.js';
import { callApi } from '../session/api.js';
import { client, useUser } from '../session/session.js';
import { expiryPlanned, lossPlanned } from './transport.js';

/** As many as it takes to see that they take turns. */
const TABS = 5;

/** What to say, in the language of the moment. */
type Told = (words: Words) => string;

/** The buttons with which one disturbs the page, to see that nobody notices. */
export function Experiments() {
  const words = useWords();
  const { watch } = words;
  const user = useUser();
  const armed = expiryPlanned.use();
  const [told, setTold] = useState<Told>();
  const attempt = async (act: () => Promise<unknown>, done?: Told) => {
    setTold(undefined);
    try {
      await act();
      setTold(() => done);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setTold((): Told => (now) => failureText(error, now));
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
            setTold((): Told => (now) => now.watch.tabsOpened(count));
          }}
        >
          {watch.tabs}
        </button>
      </div>
      <p className="hint" role="status">
        {armed ? watch.expireArmed : told?.(words)}
      </p>
    </section>
  );
}

/** Browsers let a click open one tab, and more where the person has allowed it; how many it were. */
function openTabs(): number {
  const address = `${location.pathname}${location.search}#watch`;
  return Array.from({ length: TABS }, () => window.open(address, '_blank')).filter((tab) => tab !== null)
    .length;
}
