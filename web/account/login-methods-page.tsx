import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { AuthorizationUrl } from '../../src/auth/social/identities.controller.js';
import { Failure } from '../../client/src/index.js';
import { useProviders, type Provider } from '../auth/provider-buttons.js';
import { AsyncButton } from '../ui/async-button.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { Field, Form } from '../ui/form.js';
import { showToast } from '../ui/toasts.js';
import { Async } from '../ui/async.js';
import { useTranslations, useWords } from '../i18n/language.js';
import { sayWhen } from '../i18n/time.js';
import { callApi } from '../session/api.js';
import { Reauthenticate } from './reauthenticate.js';
import { AccountPage } from './account-page.js';
import { useLoginMethods, type LoginMethods } from './login-methods.js';

/** The ways into the account: those that there are, and those that there could be. */
export function LoginMethodsPage() {
  const { me } = useWords();
  return (
    <AccountPage title={me.waysIn} lead={me.waysText}>
      <Ways />
    </AccountPage>
  );
}

/** Something about a way in; the server wants to be sure of who does it. */
type Change = (confirmed: { readonly password?: string }) => Promise<void>;

function Ways() {
  const providers = useProviders();
  const ways = useLoginMethods();
  // What was refused until it is sure who asks.
  const [refused, setRefused] = useState<Change>();
  const perform = async (change: Change) => {
    try {
      await change({});
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'reauthentication_required') throw error;
      setRefused(() => change);
    }
  };
  return (
    <Async loaded={providers}>
      {(all) => (
        <Async loaded={ways}>
          {(waysIn) => (
            <>
              <ul className="rows">
                {all.map((provider) => (
                  <Way
                    key={provider.id}
                    provider={provider}
                    waysIn={waysIn}
                    perform={perform}
                    changed={() => void ways.refetch()}
                  />
                ))}
              </ul>
              {refused !== undefined && (
                <Confirmation ways={waysIn} change={refused} done={() => setRefused(undefined)} />
              )}
              <Password isSet={waysIn.passwordSet} />
            </>
          )}
        </Async>
      )}
    </Async>
  );
}

interface ConfirmationProps {
  readonly ways: LoginMethods;
  readonly change: Change;
  readonly done: () => void;
}

/** Asks for the password, or for another log-in where there is none, before a way in changes. */
function Confirmation({ ways, change, done }: ConfirmationProps) {
  const { me, entry } = useWords();
  return (
    <section className="below" aria-labelledby="confirmation">
      <h2 id="confirmation">{me.reallyYou}</h2>
      {ways.passwordSet ? (
        <Form
          submit={me.goOn}
          meanings={{ credentials_invalid: me.passwordWrong }}
          send={async ({ password = '' }) => {
            await change({ password });
            done();
          }}
        >
          <Field
            name="password"
            label={entry.password}
            hint={me.confirmPassword}
            type="password"
            autoComplete="current-password"
          />
        </Form>
      ) : (
        <>
          <p role="status">{me.confirmAgain}</p>
          <Reauthenticate ways={ways} />
        </>
      )}
    </section>
  );
}

interface WayProps {
  readonly provider: Provider;
  readonly waysIn: LoginMethods;
  readonly perform: (change: Change) => Promise<void>;
  readonly changed: () => void;
}

function Way({ provider: { id, name }, waysIn, perform, changed }: WayProps) {
  const { language, words } = useTranslations();
  const { me } = words;
  const linked = waysIn.identities.find(({ provider }) => provider === id);
  const called = me.method(id) || name;
  const row = useRef<HTMLLIElement>(null);
  const wasLinked = useRef(false);
  useEffect(() => {
    // The button that one has just used is gone.
    if (wasLinked.current && !linked) row.current?.querySelector('button')?.focus();
    wasLinked.current = Boolean(linked);
  }, [linked]);
  return (
    <li ref={row}>
      <div>
        <strong>{called}</strong>
        <p className="hint">
          {linked === undefined
            ? me.notLinked
            : [linked.email, me.linked(sayWhen(linked.linkedAt, language))].filter(Boolean).join(' · ')}
        </p>
      </div>
      {linked === undefined ? (
        <AsyncButton
          label={me.link}
          name={me.linkName(called)}
          action={() => perform((sure) => link(id, sure))}
        />
      ) : (
        <ConfirmDialog
          label={me.unlink}
          name={me.unlinkName(called)}
          title={me.unlinkTitle(called)}
          text={me.unlinkText(called)}
          act={() =>
            perform(async (sure) => {
              await callApi(`/auth/identities/${id}`, { method: 'DELETE', body: sure });
              showToast({ tone: 'good', text: (now) => now.me.unlinked(now.me.method(id)) });
              changed();
            })
          }
        />
      )}
    </li>
  );
}

/** Goes to the provider, and comes back to this page. */
async function link(provider: string, sure: { readonly password?: string }): Promise<void> {
  const body = { returnTo: location.origin + location.pathname, ...sure };
  const { url } = await callApi<AuthorizationUrl>(`/auth/identities/${provider}`, { method: 'POST', body });
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
            meanings={{ credentials_invalid: me.passwordWrong }}
            send={async (passwords) => {
              await callApi('/auth/change-password', { method: 'POST', body: passwords });
              showToast({ tone: 'good', text: (words) => words.me.passwordChanged });
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
