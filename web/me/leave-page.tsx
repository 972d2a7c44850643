import { useLocation } from 'wouter';
import { expectEnd } from '../entry/arrive.js';
import { useProviders } from '../entry/provider-buttons.js';
import { Field, Form } from '../frame/form.js';
import { useLoad } from '../frame/load.js';
import { Title } from '../frame/title.js';
import { Show } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { ask } from '../session/ask.js';
import { client } from '../session/session.js';
import { MyPage } from './my-pages.js';
import type { WaysIn } from './ways-in-page.js';

/** How one leaves for good. */
export function LeavePage() {
  const { me } = useWords();
  return (
    <MyPage title={me.leave}>
      <Title text={me.leave} />
      <p className="lead">{me.leaveText}</p>
      <Leave />
    </MyPage>
  );
}

function Leave() {
  const loaded = useLoad('ways', (signal) => ask<WaysIn>('/auth/identities', { signal }));
  return <Show loaded={loaded}>{(ways) => <LeaveForm ways={ways} />}</Show>;
}

function LeaveForm({ ways }: { readonly ways: WaysIn }) {
  const { me, entry } = useWords();
  const [, navigate] = useLocation();

  async function leave({ password = '' }: { readonly password?: string }): Promise<void> {
    await ask('/auth/account', { method: 'DELETE', body: password === '' ? {} : { password } });
    navigate('/');
    expectEnd({ tone: 'good', text: (words) => words.me.left });
    // Finds nobody any more, and tells so.
    await client.refresh();
  }

  return (
    <Form
      danger
      submit={me.leaveNow}
      send={leave}
      help={({ code }) => code === 'reauthentication_required' && <Again ways={ways} />}
    >
      {ways.passwordSet ? (
        <Field
          name="password"
          label={entry.password}
          hint={me.leavePassword}
          type="password"
          autoComplete="current-password"
        />
      ) : (
        <p>{me.leaveRecent}</p>
      )}
    </Form>
  );
}

/** Logging in once more shows that it is oneself. */
function Again({ ways }: { readonly ways: WaysIn }) {
  const { me } = useWords();
  const { data = [] } = useProviders();
  const mine = data.filter(({ id }) => ways.identities.some(({ provider }) => provider === id));
  return (
    <div className="actions">
      {mine.map(({ id }) => (
        <button
          type="button"
          key={id}
          className="plain"
          onClick={() => client.login(id, { returnTo: '/me/delete' })}
        >
          {me.againWith(me.method(id))}
        </button>
      ))}
    </div>
  );
}
