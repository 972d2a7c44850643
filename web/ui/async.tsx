import { useEffect, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { Failure } from '../../client/src/index.js';
import { useWords } from '../i18n/language.js';
import { client } from '../session/session.js';
import { failureText } from './failure-text.js';
import type { Loaded } from './use-load.js';
import { Title } from './title.js';

/** Failures that another attempt will not change. */
const FINAL = /_not_found$|^not_found$/;

/** What has been loaded, or what there is to say while it has not. */
export function Async<T>({
  loaded,
  page = false,
  children,
}: {
  readonly loaded: Loaded<T>;
  /** Whether there is no page without it. */
  readonly page?: boolean;
  readonly children: (data: T) => ReactNode;
}) {
  const { data, failure, reload } = loaded;
  const words = useWords();
  if (failure !== undefined) {
    if (page && FINAL.test(failure.code)) return <NotFound text={failureText(failure, words)} />;
    return <Failed failure={failure} retry={reload} />;
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

function Failed({ failure, retry }: { readonly failure: Failure; readonly retry: () => void }) {
  const words = useWords();
  // Whoever is back from an ended session gets what they were refused.
  useEffect(() => client.onChange(({ reason }) => reason === 'login' && retry()), [retry]);
  return (
    <div className="note bad" role="alert">
      <p>{failureText(failure, words)}</p>
      <button className="plain" onClick={retry}>
        {words.frame.tryAgain}
      </button>
    </div>
  );
}

/** Where an address leads to nothing. */
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
