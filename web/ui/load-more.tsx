import { useWords } from '../i18n/language.js';
import { failureText } from './failure-text.js';
import type { NextPage } from './use-load.js';
import './load-more.css';

/** The button that loads the next page of a list; nothing on the last page. */
export function LoadMore({ next }: { readonly next: NextPage | undefined }) {
  const words = useWords();
  if (next === undefined) return null;
  return (
    <div className="more">
      {next.error && (
        <p className="note bad" role="alert">
          {failureText(next.error, words)}
        </p>
      )}
      <button
        className="plain"
        aria-disabled={next.isLoading}
        onClick={() => {
          if (!next.isLoading) next.load();
        }}
      >
        {words.frame.more}
      </button>
    </div>
  );
}
