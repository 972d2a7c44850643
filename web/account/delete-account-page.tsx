import { useState } from 'react';
import { useLocation } from 'wouter';
import { Failure } from '../../client/src/index.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { Field, Form } from '../ui/form.js';
import { showToast } from '../ui/toasts.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { callApi } from '../session/api.js';
import { client } from '../session/session.js';
import { Reauthenticate } from './reauthenticate.js';
import { AccountPage } from './account-page.js';
import { useLoginMethods, type LoginMethods } from './login-methods.js';

export function DeleteAccountPage() {
  const { me } = useWords();
  return (
    <AccountPage title={me.leave} lead={me.leaveText}>
      <Leave />
    </AccountPage>
  );
}

function Leave() {
  const loaded = useLoginMethods();
  const [, navigate] = useLocation();
  const leave: Leaving = async (proof) => {
    await callApi('/auth/account', { method: 'DELETE', body: proof });
    navigate('/');
    try {
      // Tells the other tabs that the session has ended.
      await client.logout();
    } catch (error) {
      // The account is deleted all the same; other tabs learn of it with their next request.
      if (!(error instanceof Failure)) throw error;
    }
    showToast({ tone: 'good', text: (words) => words.me.left });
  };
  return (
    <Async loaded={loaded}>
      {(methods) =>
        methods.passwordSet ? (
          <LeaveWithPassword leave={leave} />
        ) : (
          <LeaveAfterLogin leave={leave} methods={methods} />
        )
      }
    </Async>
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

/** Deletion without a password: the server requires a recent login. */
function LeaveAfterLogin({ leave, methods }: { readonly leave: Leaving; readonly methods: LoginMethods }) {
  const { me, problems } = useWords();
  const [refused, setRefused] = useState(false);
  return (
    <>
      <p>{me.leaveRecent}</p>
      {refused && (
        <div className="note bad" role="alert">
          <p>{problems.reauthentication_required}</p>
          <Reauthenticate methods={methods} />
        </div>
      )}
      <ConfirmDialog
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
