import { useEffect, useRef } from 'react';
import { useWords } from '../i18n/language.js';
import { Experiments } from './experiments.js';
import { clearJournal, useJournal, type Entry } from './journal.js';
import { togglePanel, usePanelOpen } from './panel-open.js';
import { TokenView } from './token-view.js';
import './panel.css';

/** A UUID, which is shortened to its first eight digits. */
const UUID = /([0-9a-f]{8})-[0-9a-f-]{27}/g;

/** Panel of the devtools: fault injection, journal of requests, content of the access token. */
export function Panel() {
  const { watch } = useWords();
  const open = usePanelOpen();
  const panel = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!open) return;
    const opener = document.activeElement;
    const element = panel.current;
    const onKey = ({ key }: KeyboardEvent) => key === 'Escape' && togglePanel();
    heading.current?.focus({ preventScroll: true });
    element?.addEventListener('keydown', onKey);
    return () => {
      element?.removeEventListener('keydown', onKey);
      if (opener instanceof HTMLElement) opener.focus({ preventScroll: true });
    };
  }, [open]);
  return (
    <aside id="watch" className="watch" hidden={!open} aria-labelledby="watch-title" ref={panel}>
      {open && (
        <>
          <header>
            <h2 id="watch-title" ref={heading} tabIndex={-1}>
              {watch.title}
            </h2>
            <button className="icon" aria-label={watch.close} onClick={togglePanel}>
              ✕
            </button>
          </header>
          <p className="hint">{watch.text}</p>
          <Experiments />
          <Journal />
          <TokenView />
        </>
      )}
    </aside>
  );
}

function Journal() {
  const { watch } = useWords();
  const entries = useJournal();
  return (
    <section aria-labelledby="watch-log">
      <header>
        <h3 id="watch-log">{watch.log}</h3>
        {entries.length > 0 && (
          <button className="quiet" onClick={clearJournal}>
            {watch.clear}
          </button>
        )}
      </header>
      {entries.length === 0 && <p className="hint">{watch.nothing}</p>}
      <div role="log" aria-labelledby="watch-log">
        <ol className="journal" tabIndex={0}>
          {entries.map((entry) => (
            <Line key={entry.id} entry={entry} />
          ))}
        </ol>
      </div>
    </section>
  );
}

function Line({ entry: { method, path, status, ms, kind, inAll, elsewhere } }: { readonly entry: Entry }) {
  const { watch } = useWords();
  const said = status === 'lost' ? watch.lost : status === 'none' ? watch.noResponse : status;
  const went = typeof status === 'number' && status < 400 ? 'well' : 'badly';
  return (
    <li className={`${kind} ${went}`}>
      <span className="what">
        <code>
          {method} {path.replace(UUID, '$1…')}
        </code>{' '}
        {kind !== 'request' && (
          <span className="tag">{kind === 'refresh' ? watch.refresh : watch.repeated}</span>
        )}{' '}
        {elsewhere && <span className="tag">{watch.otherTab}</span>}
      </span>
      <span className="how">
        <strong>{said}</strong> {watch.ms(ms)}
      </span>
      {inAll !== undefined && <span className="in-all">{watch.inAll(inAll)}</span>}
    </li>
  );
}
