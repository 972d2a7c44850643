import type { ListedSession } from '../../src/auth/sessions/schemas.js';
import { AsyncButton } from '../ui/async-button.js';
import { useLoad } from '../ui/use-load.js';
import { Async } from '../ui/async.js';
import { useTranslations, useWords } from '../i18n/language.js';
import { sayWhen } from '../i18n/time.js';
import { callApi } from '../session/api.js';
import { useAccountKey } from '../session/queries.js';
import { client } from '../session/session.js';
import { AccountPage } from './account-page.js';

export function SessionsPage() {
  const { me } = useWords();
  return (
    <AccountPage title={me.sessions} lead={me.sessionsText}>
      <Sessions />
    </AccountPage>
  );
}

function Sessions() {
  const { me } = useWords();
  const loaded = useLoad(useAccountKey('sessions'), (signal) =>
    callApi<readonly ListedSession[]>('/auth/sessions', { signal }),
  );
  return (
    <Async loaded={loaded}>
      {(sessions) => (
        <>
          <ul className="rows">
            {sessions.map((session) => (
              <SessionRow key={session.id} session={session} ended={() => void loaded.refetch()} />
            ))}
          </ul>
          {sessions.length > 1 ? (
            <AsyncButton
              label={me.endOthers}
              action={async () => {
                await callApi('/auth/sessions', { method: 'DELETE' });
                void loaded.refetch();
              }}
              done={(words) => words.me.othersEnded}
            />
          ) : (
            <p className="hint">{me.noOthers}</p>
          )}
        </>
      )}
    </Async>
  );
}

function SessionRow({ session, ended }: { readonly session: ListedSession; readonly ended: () => void }) {
  const { language, words } = useTranslations();
  const { me } = words;
  const { id, current, createdAt, lastSeenAt, ip, device, method } = session;
  return (
    <li>
      <div>
        <strong>{device}</strong> {current && <span className="tag">{me.thisOne}</span>}
        <p className="hint">
          {me.sessionLine(me.method(method), sayWhen(createdAt, language))} ·{' '}
          {me.lastSeen(sayWhen(lastSeenAt, language))}
          {ip !== null && ` · ${ip}`}
        </p>
      </div>
      <AsyncButton
        label={me.end}
        name={me.endThis(device)}
        action={async () => {
          if (current) return client.logout();
          await callApi(`/auth/sessions/${id}`, { method: 'DELETE' });
          ended();
        }}
        done={current ? undefined : (now) => now.me.ended}
      />
    </li>
  );
}
