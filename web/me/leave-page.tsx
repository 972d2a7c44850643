import { useLocation } from 'wouter';
import { expectEnd } from '../entry/arrive.js';
import { Field, Form } from '../frame/form.js';
import { Title } from '../frame/title.js';
import { Show } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { ask } from '../session/ask.js';
import { client } from '../session/session.js';
import { Again } from './again.js';
import { MyPage } from './my-pages.js';
import { useWaysIn, type WaysIn } from './ways-in.js';

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
  return <Show loaded={useWaysIn()}>{(ways) => <LeaveForm ways={ways} />}</Show>;
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
