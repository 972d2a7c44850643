import { useState } from 'react';
import { Failure } from '../../client/src/index.js';
import type { Words } from '../language/en.js';
import { useWords } from '../language/language.js';
import { ask } from '../session/ask.js';
import { client, useUser } from '../session/session.js';
import { expiryPlanned, lossPlanned } from './transport.js';

/** As many as it takes to see that they take turns. */
const TABS = 5;

/** The buttons with which one disturbs the page, to see that nobody notices. */
export function Experiments() {
  const { watch } = useWords();
  const user = useUser();
  const armed = expiryPlanned.use();
  const [told, setTold] = useState<(watch: Words['watch']) => string>();
  const attempt = async (act: () => Promise<unknown>) => {
    try {
      await act();
      setTold(undefined);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setTold(() => (words: Words['watch']) => words.failed(error.code));
    }
  };
  return (
    <section aria-labelledby="watch-experiments">
      <h3 id="watch-experiments">{watch.experiments}</h3>
      <div className="experiments">
        <button className="plain" disabled={!user} onClick={() => expiryPlanned.set(true)}>
          {watch.expire}
        </button>
        <button className="plain" disabled={!user} onClick={() => void attempt(() => ask('/users/me'))}>
          {watch.ask}
        </button>
        <button
          className="plain"
          disabled={!user}
          onClick={() => {
            lossPlanned.set(true);
            setTold(() => (words: Words['watch']) => words.loseArmed);
            void attempt(() => client.refresh());
          }}
        >
          {watch.lose}
        </button>
        <button
          className="plain"
          onClick={() => {
            const count = openTabs();
            setTold(() => (words: Words['watch']) => words.tabsOpened(count));
          }}
        >
          {watch.tabs}
        </button>
      </div>
      <p className="hint" role="status">
        {armed ? watch.expireArmed : told?.(watch)}
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
