import { Link } from 'wouter';
import { useProviders, type Provider } from '../entry/provider-buttons.js';
import { Act } from '../frame/act.js';
import { Field, Form } from '../frame/form.js';
import { useLoad } from '../frame/load.js';
import { tell } from '../frame/notices.js';
import { Title } from '../frame/title.js';
import { Show } from '../frame/waiting.js';
import { useSpeech, useWords } from '../language/language.js';
import { sayWhen } from '../language/time.js';
import { ask } from '../session/ask.js';
import { MyPage } from './my-pages.js';

export interface WaysIn {
  readonly identities: readonly {
    readonly provider: string;
    readonly linkedAt: string;
    readonly email?: string;
  }[];
  readonly passwordSet: boolean;
}

/** The ways into the account: those that there are, and those that there could be. */
export function WaysInPage() {
  const { me } = useWords();
  return (
    <MyPage title={me.waysIn}>
      <Title text={me.waysIn} />
      <p className="lead">{me.waysText}</p>
      <Ways />
    </MyPage>
  );
}

function Ways() {
  const providers = useProviders();
  const ways = useLoad('ways', (signal) => ask<WaysIn>('/auth/identities', { signal }));
  return (
    <Show loaded={providers}>
      {(all) => (
        <Show loaded={ways}>
          {(waysIn) => (
            <>
              <ul className="rows">
                {all.map((provider) => (
                  <Way key={provider.id} provider={provider} waysIn={waysIn} changed={ways.reload} />
                ))}
              </ul>
              <Password isSet={waysIn.passwordSet} />
            </>
          )}
        </Show>
      )}
    </Show>
  );
}

function Way({
  provider: { id, name },
  waysIn,
  changed,
}: {
  provider: Provider;
  waysIn: WaysIn;
  readonly changed: () => void;
}) {
  const { language, words } = useSpeech();
  const { me } = words;
  const linked = waysIn.identities.find(({ provider }) => provider === id);
  const called = me.method(id) || name;
  return (
    <li>
      <div>
        <strong>{called}</strong>
        <p className="hint">
          {linked === undefined
            ? me.notLinked
            : [linked.email, me.linked(sayWhen(linked.linkedAt, language))].filter(Boolean).join(' · ')}
        </p>
      </div>
      {linked === undefined ? (
        <Act label={me.link} name={me.linkName(called)} act={() => link(id)} />
      ) : (
        <Act
          label={me.unlink}
          name={me.unlinkName(called)}
          act={async () => {
            await ask(`/auth/identities/${id}`, { method: 'DELETE' });
            changed();
          }}
          done={(now) => now.me.unlinked(now.me.method(id))}
        />
      )}
    </li>
  );
}

/** Goes to the provider, and comes back to this page. */
async function link(provider: string): Promise<void> {
  const body = { returnTo: location.origin + location.pathname };
  const { url } = await ask<{ url: string }>(`/auth/identities/${provider}`, { method: 'POST', body });
  location.assign(url);
}

function Password({ isSet }: { readonly isSet: boolean }) {
  const { me, entry } = useWords();
  return (
    <section className="below" aria-labelledby="password">
      <h2 id="password">{me.password}</h2>
      <p>{isSet ? me.passwordSet : me.passwordNotSet}</p>
      {isSet ? (
        <details>
          <summary>{me.changePassword}</summary>
          <Form
            submit={me.changePassword}
            send={async (passwords) => {
              await ask('/auth/change-password', { method: 'POST', body: passwords });
              tell({ tone: 'good', text: (words) => words.me.passwordChanged });
            }}
          >
            <Field
              name="currentPassword"
              label={me.currentPassword}
              type="password"
              autoComplete="current-password"
            />
            <Field
              name="newPassword"
              label={entry.newPassword}
              hint={entry.passwordHint}
              type="password"
              autoComplete="new-password"
            />
          </Form>
        </details>
      ) : (
        <Link className="button plain" href="/forgot-password">
          {me.choosePassword}
        </Link>
      )}
    </section>
  );
}
