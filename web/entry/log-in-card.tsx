import { useId, useState } from 'react';
import { Link } from 'wouter';
import { Act } from '../frame/act.js';
import { Field, Form } from '../frame/form.js';
import { useWords } from '../language/language.js';
import { askAsAnyone } from '../session/ask.js';
import { client } from '../session/session.js';
import { ProviderButtons } from './provider-buttons.js';

interface LogInCardProps {
  /** The path that a provider's page leads back to. */
  readonly returnTo: string;
  readonly title?: string;
  /** Whether the card is the page, and its title the page's. */
  readonly heading?: 'h1' | 'h2';
}

/** Every way in. */
export function LogInCard({ returnTo, title, heading: Heading = 'h2' }: LogInCardProps) {
  const { entry } = useWords();
  const id = useId();
  return (
    <section className="card entry" aria-labelledby={id}>
      <Heading id={id}>{title ?? entry.logIn}</Heading>
      <ProviderButtons returnTo={returnTo} />
      <p className="or">
        <span>{entry.orEmail}</span>
      </p>
      <PasswordForm />
      <p className="ways">
        <Link href="/register">{entry.toRegister}</Link>
        <Link href="/forgot-password">{entry.toForgot}</Link>
      </p>
    </section>
  );
}

function PasswordForm() {
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
    <Act
      label={entry.resend}
      act={() => askAsAnyone('/auth/verify-email/resend', { method: 'POST', body: { email } })}
      done={(words) => words.entry.resent}
    />
  );
}
