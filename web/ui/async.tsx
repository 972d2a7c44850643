import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { Failure } from '../../client/src/index.js';
import { useWords } from '../i18n/language.js';
import { failureText } from './failure-text.js';
import type { Loaded } from './use-load.js';
import { Title } from './title.js';
import './async.css';

/** Codes of failures that another attempt does not change. */
const FINAL = /_not_found$|^not_found$/;

/** Shows loaded data, the progress of loading them, or the failure with a button to try again. */
export function Async<T>({
  loaded: { data, error, refetch },
  page = false,
  children,
}: {
  readonly loaded: Loaded<T>;
  /** True if the data are the content of the page: a 404 then shows {@link NotFound}. */
  readonly page?: boolean;
  readonly children: (data: T) => ReactNode;
}) {
  const words = useWords();
  if (error !== null) {
    const text = failureText(error, words);
    if (page && error instanceof Failure && FINAL.test(error.code)) return <NotFound text={text} />;
    return <Failed text={text} retry={() => void refetch()} />;
  }
  if (data === undefined) return <Loading />;
  return children(data);
}

export function Loading() {
  const words = useWords();
  return (
    <p className="waiting" role="status">
      {words.frame.waiting}
      <span aria-hidden="true">…</span>
    </p>
  );
}

function Failed({ text, retry }: { readonly text: string; readonly retry: () => void }) {
  const words = useWords();
  return (
    <div className="note bad" role="alert">
      <p>{text}</p>
      <button className="plain" onClick={retry}>
        {words.frame.tryAgain}
      </button>
    </div>
  );
}

/** The page for a path or a resource that does not exist. */
export function NotFound({ text }: { readonly text?: string }) {
  const words = useWords();
  return (
    <div className="nothing">
      <Title text={words.frame.notFound} />
      <p>{text ?? words.frame.notFoundText}</p>
      <p>
        <Link className="button plain" href="/">
          {words.frame.toHome}
        </Link>
      </p>
    </div>
  );
}
