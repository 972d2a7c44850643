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
  /** Path or URL to return to after a login with a provider. The server validates it. */
  readonly returnTo: string;
  readonly title?: string;
  /** True if the e-mail form is closed at first. */
  readonly compact?: boolean;
  /** Provider that a page of another site asked for. */
  readonly provider?: string;
}

/** All login methods in a card. */
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

/** Login form with e-mail address and password. */
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

/** Button that sends the verification mail again. */
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
