import { LoadMore } from '../ui/load-more.js';
import { usePages, type Page } from '../ui/use-pages.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { textFor } from '../i18n/text-for.js';
import { Time } from '../i18n/time.js';
import { callApi } from '../session/api.js';
import { AccountPage } from './account-page.js';

interface AccountEvent {
  readonly at: string;
  readonly kind: string;
  readonly sessionId: string | null;
  readonly details: Readonly<Record<string, string>>;
}

/** What happened to one's account: the answer to "why was I logged out?". */
export function ActivityPage() {
  const { me } = useWords();
  return (
    <AccountPage title={me.activity} lead={me.activityText}>
      <Events />
    </AccountPage>
  );
}

function Events() {
  const { me } = useWords();
  const pages = usePages('events', (cursor, signal) =>
    callApi<Page<AccountEvent>>(`/auth/events${cursor === undefined ? '' : `?cursor=${cursor}`}`, { signal }),
  );
  return (
    <Async loaded={pages}>
      {({ items }) => (
        <>
          {items.length === 0 && <p className="hint">{me.noActivity}</p>}
          <ol className="events">
            {items.map((event, index) => (
              <Event key={index} event={event} />
            ))}
          </ol>
          <LoadMore more={pages.more} moreFailure={pages.moreFailure} />
        </>
      )}
    </Async>
  );
}

function Event({ event: { at, kind, details } }: { readonly event: AccountEvent }) {
  const { me, events, reasons } = useWords();
  const { method, provider, reason } = details;
  const way = method ?? provider;
  const more = [way && me.method(way), reason && (textFor(reasons, reason) ?? reason)]
    .filter(Boolean)
    .join(' · ');
  return (
    <li>
      <span>
        {events[kind] ?? kind}
        {more !== '' && <span className="hint"> · {more}</span>}
      </span>
      <Time at={at} />
    </li>
  );
}
