import type { AuditPage } from '../../src/auth/self-service/schemas.js';
import { LoadMore } from '../ui/load-more.js';
import { usePages } from '../ui/use-load.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { textFor } from '../i18n/text-for.js';
import { Time } from '../i18n/time.js';
import { callApi } from '../session/api.js';
import { useAccountKey } from '../session/queries.js';
import { AccountPage } from './account-page.js';

/** Audit events of the user's account, which explain for instance why a session ended. */
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
  const { loaded, next } = usePages(useAccountKey('events'), (cursor, signal) =>
    callApi<AuditPage>(`/auth/events${cursor === undefined ? '' : `?cursor=${cursor}`}`, { signal }),
  );
  return (
    <Async loaded={loaded}>
      {(items) => (
        <>
          {items.length === 0 && <p className="hint">{me.noActivity}</p>}
          <ol className="events">
            {items.map((event, index) => (
              <Event key={index} event={event} />
            ))}
          </ol>
          <LoadMore next={next} />
        </>
      )}
    </Async>
  );
}

function Event({ event: { at, kind, details } }: { readonly event: AuditPage['items'][number] }) {
  const { me, events, reasons } = useWords();
  const { method, provider, role, reason } = details;
  const way = method ?? provider;
  const more = [way && me.method(way), role, reason && (textFor(reasons, reason) ?? reason)]
    .filter(Boolean)
    .join(' · ');
  return (
    <li>
      <span>
        {textFor(events, kind) ?? kind}
        {more !== '' && <span className="hint"> · {more}</span>}
      </span>
      <Time at={at} />
    </li>
  );
}
