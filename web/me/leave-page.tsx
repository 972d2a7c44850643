import { useState } from 'react';
import { useLocation } from 'wouter';
import { Failure } from '../../client/src/index.js';
import { Confirm } from '../frame/confirm.js';
import { Field, Form } from '../frame/form.js';
import { tell } from '../frame/notices.js';
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
    <MyPage title={me.leave} lead={me.leaveText}>
      <Leave />
    </MyPage>
  );
}

function Leave() {
  const ways = useWaysIn();
  const [, navigate] = useLocation();
  const leave: Leaving = async (proof) => {
    await ask('/auth/account', { method: 'DELETE', body: proof });
    navigate('/');
    try {
      // Every tab knows then that nobody is here any more.
      await client.logout();
    } catch (error) {
      // They find out with their next request: the account is gone all the same.
      if (!(error instanceof Failure)) throw error;
    }
    tell({ tone: 'good', text: (words) => words.me.left });
  };
  return (
    <Show loaded={ways}>
      {(known) =>
        known.passwordSet ? (
          <LeaveWithPassword leave={leave} />
        ) : (
          <LeaveAfterLogIn leave={leave} ways={known} />
        )
      }
    </Show>
  );
}

type Leaving = (proof: { readonly password?: string }) => Promise<void>;

function LeaveWithPassword({ leave }: { readonly leave: Leaving }) {
  const { me, entry } = useWords();
  return (
    <Form
      danger
      submit={me.leaveNow}
      send={({ password = '' }) => leave({ password })}
      meanings={{ credentials_invalid: me.passwordWrong }}
    >
      <Field
        name="password"
        label={entry.password}
        hint={me.leavePassword}
        type="password"
        autoComplete="current-password"
      />
    </Form>
  );
}

/** Where there is no password, a log-in just before shows who it is. */
function LeaveAfterLogIn({ leave, ways }: { readonly leave: Leaving; readonly ways: WaysIn }) {
  const { me, problems } = useWords();
  const [refused, setRefused] = useState(false);
  return (
    <>
      <p>{me.leaveRecent}</p>
      {refused && (
        <div className="note bad" role="alert">
          <p>{problems['reauthentication_required']}</p>
          <Again ways={ways} />
        </div>
      )}
      <Confirm
        className="main danger"
        label={me.leaveNow}
        title={me.leaveTitle}
        text={me.leaveText}
        act={async () => {
          try {
            await leave({});
          } catch (error) {
            if (!(error instanceof Failure) || error.code !== 'reauthentication_required') throw error;
            setRefused(true);
          }
        }}
      />
    </>
  );
}
