import { Act } from '../frame/act.js';
import { useLoad } from '../frame/load.js';
import { Show } from '../frame/waiting.js';
import { useSpeech, useWords } from '../language/language.js';
import { sayWhen } from '../language/time.js';
import { ask } from '../session/ask.js';
import { client } from '../session/session.js';
import { MyPage } from './my-pages.js';

interface ListedSession {
  readonly id: string;
  readonly current: boolean;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  readonly ip: string | null;
  readonly device: string;
  readonly method: string;
}

/** Where one is logged in. */
export function SessionsPage() {
  const { me } = useWords();
  return (
    <MyPage title={me.sessions} lead={me.sessionsText}>
      <Sessions />
    </MyPage>
  );
}

function Sessions() {
  const { me } = useWords();
  const loaded = useLoad('sessions', (signal) => ask<readonly ListedSession[]>('/auth/sessions', { signal }));
  return (
    <Show loaded={loaded}>
      {(sessions) => (
        <>
          <ul className="rows">
            {sessions.map((session) => (
              <SessionRow key={session.id} session={session} ended={loaded.reload} />
            ))}
          </ul>
          {sessions.length > 1 ? (
            <Act
              label={me.endOthers}
              act={async () => {
                await ask('/auth/sessions', { method: 'DELETE' });
                loaded.reload();
              }}
              done={(words) => words.me.othersEnded}
            />
          ) : (
            <p className="hint">{me.noOthers}</p>
          )}
        </>
      )}
    </Show>
  );
}

function SessionRow({ session, ended }: { readonly session: ListedSession; readonly ended: () => void }) {
  const { language, words } = useSpeech();
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
      <Act
        label={me.end}
        name={me.endThis(device)}
        act={async () => {
          if (current) return client.logout();
          await ask(`/auth/sessions/${id}`, { method: 'DELETE' });
          ended();
        }}
        done={current ? undefined : (now) => now.me.ended}
      />
    </li>
  );
}
