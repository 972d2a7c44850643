import { More } from '../frame/more.js';
import { usePages, type Page } from '../frame/pages.js';
import { Show } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { Time } from '../language/time.js';
import { ask } from '../session/ask.js';
import { MyPage } from './my-pages.js';

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
    <MyPage title={me.activity} lead={me.activityText}>
      <Events />
    </MyPage>
  );
}

function Events() {
  const { me } = useWords();
  const pages = usePages('events', (cursor, signal) =>
    ask<Page<AccountEvent>>(`/auth/events${cursor === undefined ? '' : `?cursor=${cursor}`}`, { signal }),
  );
  return (
    <Show loaded={pages}>
      {({ items }) => (
        <>
          {items.length === 0 && <p className="hint">{me.noActivity}</p>}
          <ol className="events">
            {items.map((event, index) => (
              <Event key={index} event={event} />
            ))}
          </ol>
          <More more={pages.more} moreFailure={pages.moreFailure} />
        </>
      )}
    </Show>
  );
}

function Event({ event: { at, kind, details } }: { readonly event: AccountEvent }) {
  const { me, events, reasons } = useWords();
  const { method, provider, reason } = details;
  const way = method ?? provider;
  const more = [way && me.method(way), reason && (reasons[reason] ?? reason)].filter(Boolean).join(' · ');
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
