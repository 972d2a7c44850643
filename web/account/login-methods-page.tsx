import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { AuthorizationUrl } from '../../src/auth/social/schemas.js';
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

/** Login methods of the account: linked providers, providers that can be linked, and the password. */
export function LoginMethodsPage() {
  const { me } = useWords();
  return (
    <AccountPage title={me.loginMethods} lead={me.loginMethodsText}>
      <LoginMethodList />
    </AccountPage>
  );
}

/** A change of a login method. The server may require reauthentication first. */
type Change = (confirmed: { readonly password?: string }) => Promise<void>;

function LoginMethodList() {
  const providers = useProviders();
  const loaded = useLoginMethods();
  // The change that the server refused until the user reauthenticates.
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
        <Async loaded={loaded}>
          {(methods) => (
            <>
              <ul className="rows">
                {all.map((provider) => (
                  <ProviderRow
                    key={provider.id}
                    provider={provider}
                    methods={methods}
                    perform={perform}
                    changed={() => void loaded.refetch()}
                  />
                ))}
              </ul>
              {refused !== undefined && (
                <Confirmation methods={methods} change={refused} done={() => setRefused(undefined)} />
              )}
              <Password isSet={methods.passwordSet} />
            </>
          )}
        </Async>
      )}
    </Async>
  );
}

interface ConfirmationProps {
  readonly methods: LoginMethods;
  readonly change: Change;
  readonly done: () => void;
}

/** Reauthentication: asks for the password, or for another login if the account has no password. */
function Confirmation({ methods, change, done }: ConfirmationProps) {
  const { me, entry } = useWords();
  return (
    <section className="below" aria-labelledby="confirmation">
      <h2 id="confirmation">{me.reallyYou}</h2>
      {methods.passwordSet ? (
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
          <Reauthenticate methods={methods} />
        </>
      )}
    </section>
  );
}

interface ProviderRowProps {
  readonly provider: Provider;
  readonly methods: LoginMethods;
  readonly perform: (change: Change) => Promise<void>;
  readonly changed: () => void;
}

function ProviderRow({ provider: { id, name }, methods, perform, changed }: ProviderRowProps) {
  const { language, words } = useTranslations();
  const { me } = words;
  const linked = methods.identities.find(({ provider }) => provider === id);
  const called = me.method(id) || name;
  const row = useRef<HTMLLIElement>(null);
  const wasLinked = useRef(false);
  useEffect(() => {
    // The button with the focus has disappeared.
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

/** Navigates to the provider, which leads back to this page. */
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
