import { useEffect, useState } from 'react';
import { Link, Redirect, useSearchParams } from 'wouter';
import { Field, Form } from '../ui/form.js';
import { Title } from '../ui/title.js';
import { Loading } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { callApiAnonymously } from '../session/api.js';
import { useUser } from '../session/session.js';
import { LoginCard, Resend } from './login-card.js';
import { readNext } from './next.js';
import './auth.css';

/**
 * The login page. A logged-in user is redirected to `next`. The server redirects here with `provider` and `returnTo`
 * if a page of another site started a login, which then needs a click.
 */
export function LoginPage() {
  const { entry } = useWords();
  const [search] = useSearchParams();
  const returnTo = search.get('returnTo');
  const { href, apart } = readNext(returnTo ?? search.get('next') ?? '/');
  const user = useUser();
  if (user === undefined) return <Loading />;
  if (user !== null) return apart ? <Leave href={href} /> : <Redirect href={href} replace />;
  return (
    <div className="narrow">
      <Title text={entry.logIn} />
      {/* The server refuses URLs of origins that are not in WEB_ORIGINS. */}
      <LoginCard
        returnTo={returnTo?.startsWith('http') ? returnTo : href}
        title={entry.providers}
        provider={search.get('provider') ?? undefined}
      />
    </div>
  );
}

/** Like `Redirect`, for a URL outside of the router. */
function Leave({ href }: { readonly href: string }) {
  useEffect(() => location.replace(href), [href]);
  return <Loading />;
}

export function RegisterPage() {
  const { entry } = useWords();
  const [writtenTo, setWrittenTo] = useState<string>();
  const user = useUser();
  if (user) return <Redirect href="/" replace />;
  if (writtenTo !== undefined) {
    return (
      <div className="narrow">
        <Title text={entry.mailTitle} />
        <section className="card">
          <p>{entry.mailSent(writtenTo)}</p>
          <div className="actions">
            <Resend email={writtenTo} />
            <Link href="/login">{entry.toLogin}</Link>
          </div>
        </section>
      </div>
    );
  }
  return (
    <div className="narrow">
      <Title text={entry.register} />
      <section className="card entry">
        <p>{entry.registerText}</p>
        <Form
          submit={entry.register}
          send={async (registration) => {
            await callApiAnonymously('/auth/register', { method: 'POST', body: registration });
            setWrittenTo(registration['email']);
          }}
        >
          <Field name="email" label={entry.email} type="email" autoComplete="username" />
          <Field
            name="password"
            label={entry.password}
            hint={entry.passwordHint}
            type="password"
            autoComplete="new-password"
          />
          <Field name="nickname" label={entry.nickname} hint={entry.nicknameHint} autoComplete="nickname" />
        </Form>
        <p className="ways">
          <Link href="/login">{entry.toLogin}</Link>
        </p>
      </section>
    </div>
  );
}

export function ForgotPage() {
  const { entry } = useWords();
  const [writtenTo, setWrittenTo] = useState<string>();
  return (
    <div className="narrow">
      <Title text={writtenTo === undefined ? entry.forgot : entry.mailTitle} key={writtenTo} />
      <section className="card entry">
        {writtenTo === undefined ? (
          <>
            <p>{entry.forgotText}</p>
            <Form
              submit={entry.sendLink}
              send={async ({ email }) => {
                await callApiAnonymously('/auth/forgot-password', { method: 'POST', body: { email } });
                setWrittenTo(email);
              }}
            >
              <Field name="email" label={entry.email} type="email" autoComplete="username" />
            </Form>
          </>
        ) : (
          <p>{entry.mailMaybeSent(writtenTo)}</p>
        )}
        <p className="ways">
          <Link href="/login">{entry.toLogin}</Link>
        </p>
      </section>
    </div>
  );
}
