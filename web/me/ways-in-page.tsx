import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { Failure } from '../../client/src/index.js';
import { useProviders, type Provider } from '../entry/provider-buttons.js';
import { Act } from '../frame/act.js';
import { Confirm } from '../frame/confirm.js';
import { Field, Form } from '../frame/form.js';
import { tell } from '../frame/notices.js';
import { Show } from '../frame/waiting.js';
import { useSpeech, useWords } from '../language/language.js';
import { sayWhen } from '../language/time.js';
import { ask } from '../session/ask.js';
import { Again } from './again.js';
import { MyPage } from './my-pages.js';
import { useWaysIn, type WaysIn } from './ways-in.js';

/** The ways into the account: those that there are, and those that there could be. */
export function WaysInPage() {
  const { me } = useWords();
  return (
    <MyPage title={me.waysIn} lead={me.waysText}>
      <Ways />
    </MyPage>
  );
}

/** Something about a way in; the server wants to be sure of who does it. */
type Change = (confirmed: { readonly password?: string }) => Promise<void>;

function Ways() {
  const providers = useProviders();
  const ways = useWaysIn();
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
    <Show loaded={providers}>
      {(all) => (
        <Show loaded={ways}>
          {(waysIn) => (
            <>
              <ul className="rows">
                {all.map((provider) => (
                  <Way
                    key={provider.id}
                    provider={provider}
                    waysIn={waysIn}
                    perform={perform}
                    changed={ways.reload}
                  />
                ))}
              </ul>
              {refused !== undefined && (
                <Confirmation ways={waysIn} change={refused} done={() => setRefused(undefined)} />
              )}
              <Password isSet={waysIn.passwordSet} />
            </>
          )}
        </Show>
      )}
    </Show>
  );
}

interface ConfirmationProps {
  readonly ways: WaysIn;
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
          <Again ways={ways} />
        </>
      )}
    </section>
  );
}

interface WayProps {
  readonly provider: Provider;
  readonly waysIn: WaysIn;
  readonly perform: (change: Change) => Promise<void>;
  readonly changed: () => void;
}

function Way({ provider: { id, name }, waysIn, perform, changed }: WayProps) {
  const { language, words } = useSpeech();
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
        <Act label={me.link} name={me.linkName(called)} act={() => perform((sure) => link(id, sure))} />
      ) : (
        <Confirm
          label={me.unlink}
          name={me.unlinkName(called)}
          title={me.unlinkTitle(called)}
          text={me.unlinkText(called)}
          act={() =>
            perform(async (sure) => {
              await ask(`/auth/identities/${id}`, { method: 'DELETE', body: sure });
              tell({ tone: 'good', text: (now) => now.me.unlinked(now.me.method(id)) });
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
            meanings={{ credentials_invalid: me.passwordWrong }}
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
