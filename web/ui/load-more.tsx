import { useState } from 'react';
import { useWords } from '../i18n/language.js';
import { failureText } from './failure-text.js';
import type { Pages } from './use-pages.js';

type MoreProps = Pick<Pages<unknown>, 'more' | 'moreFailure'>;

/** The button at the end of a list that has another page. */
export function LoadMore({ more, moreFailure }: MoreProps) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  if (more === undefined) return null;
  return (
    <div className="more">
      {moreFailure && (
        <p className="note bad" role="alert">
          {failureText(moreFailure, words)}
        </p>
      )}
      <button
        className="plain"
        aria-disabled={busy}
        onClick={() => {
          if (busy) return;
          setBusy(true);
          void more().finally(() => setBusy(false));
        }}
      >
        {words.frame.more}
      </button>
    </div>
  );
}
