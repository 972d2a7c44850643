import { useEffect, useState } from 'react';
import { useWords } from '../i18n/language.js';
import { useSeenToken, type SeenToken } from './seen-token.js';
import { expiryPlanned } from './transport.js';

/** Content and remaining lifetime of the access token. */
export function TokenView() {
  const { watch } = useWords();
  const token = useSeenToken();
  return (
    <section aria-labelledby="watch-token">
      <h3 id="watch-token">{watch.token}</h3>
      {token === undefined ? <p className="hint">{watch.noToken}</p> : <Token token={token} />}
    </section>
  );
}

function Token({ token }: { readonly token: SeenToken }) {
  const { watch } = useWords();
  const planned = expiryPlanned.use();
  const seconds = useSecondsLeft(token);
  const left = planned ? 0 : seconds;
  return (
    <>
      <p className="countdown">
        <meter min={0} max={token.lifetime} value={left} aria-labelledby="watch-left" />
        <span id="watch-left">
          {planned ? watch.pretendExpired : left > 0 ? watch.left(clock(left)) : watch.expired}
        </span>
      </p>
      <details open>
        <summary>{watch.payload}</summary>
        <Json value={token.payload} />
      </details>
      <details>
        <summary>{watch.header}</summary>
        <Json value={token.header} />
      </details>
    </>
  );
}

function Json({ value }: { readonly value: unknown }) {
  return (
    <pre tabIndex={0}>
      <code>{JSON.stringify(value, null, 2)}</code>
    </pre>
  );
}

function useSecondsLeft({ expiresAt }: SeenToken): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.ceil((expiresAt - now) / 1_000));
}

/** Formats seconds as `9:07`. */
function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
