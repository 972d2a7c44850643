import { useId, useState } from 'react';
import { Link } from 'wouter';
import { AsyncButton } from '../ui/async-button.js';
import { Field, Form } from '../ui/form.js';
import { useWords } from '../i18n/language.js';
import { callApiAnonymously } from '../session/api.js';
import { client } from '../session/session.js';
import { ProviderButtons } from './provider-buttons.js';
import './auth.css';

interface LoginCardProps {
  /** The path or URL that a provider's page leads back to; the server checks it. */
  readonly returnTo: string;
  readonly title?: string;
  /** Where there is more to see than the card, the form for e-mail opens when it is asked for. */
  readonly compact?: boolean;
  /** The provider that a page of another site asked for. */
  readonly provider?: string;
}

/** Every way in. */
export function LoginCard({ returnTo, title, compact = false, provider }: LoginCardProps) {
  const { entry } = useWords();
  const id = useId();
  return (
    <section className="card entry" aria-labelledby={id}>
      <h2 id={id}>{title ?? entry.logIn}</h2>
      {provider !== undefined && <p>{entry.sentFromElsewhere}</p>}
      <ProviderButtons returnTo={returnTo} first={provider} />
      {compact ? (
        <details className="by-mail">
          <summary>{entry.withEmail}</summary>
          <PasswordForm />
        </details>
      ) : (
        <>
          <p className="or">{entry.orEmail}</p>
          <PasswordForm />
        </>
      )}
      <p className="ways">
        <Link href="/register">{entry.toRegister}</Link>
        <Link href="/forgot-password">{entry.toForgot}</Link>
      </p>
    </section>
  );
}

/** The way in with an e-mail address. */
export function PasswordForm() {
  const { entry } = useWords();
  const [email, setEmail] = useState('');
  return (
    <Form
      submit={entry.logIn}
      send={async ({ email = '', password = '' }) => {
        await client.loginWithPassword(email, password);
      }}
      help={({ code }) => code === 'email_not_verified' && <Resend email={email} />}
    >
      <Field name="email" label={entry.email} type="email" autoComplete="username" onChange={setEmail} />
      <Field name="password" label={entry.password} type="password" autoComplete="current-password" />
    </Form>
  );
}

/** Sends the mail that verifies an address once more. */
export function Resend({ email }: { readonly email: string }) {
  const { entry } = useWords();
  return (
    <AsyncButton
      label={entry.resend}
      action={() => callApiAnonymously('/auth/verify-email/resend', { method: 'POST', body: { email } })}
      done={(words) => words.entry.resent}
    />
  );
}
