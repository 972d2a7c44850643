import { Link, useLocation } from 'wouter';
import { Form, Field } from '../ui/form.js';
import { showToast } from '../ui/toasts.js';
import { Title } from '../ui/title.js';
import { useWords } from '../i18n/language.js';
import { useProfile } from '../session/profile.js';
import { callApiAnonymously } from '../session/api.js';
import type { MailedLink } from '../session/arrival.js';
import { client, useUser } from '../session/session.js';
import { closeMailedLink } from './mailed-link.js';
import './auth.css';

export function MailedPage({ link: { purpose, token } }: { readonly link: MailedLink }) {
  return purpose === 'verify-email' ? <VerifyPage token={token} /> : <ResetPage token={token} />;
}

/**
 * Asks for a click before the login. An attacker may have sent the link, so that the user works in the attacker's
 * account; mail scanners open links, too.
 */
function VerifyPage({ token }: { readonly token: string }) {
  const { entry } = useWords();
  const user = useUser();
  const profile = useProfile();
  return (
    <div className="narrow">
      <Title text={entry.verify} />
      <section className="card entry">
        <p>{entry.verifyText}</p>
        <p>{entry.verifyPassword}</p>
        <p>{entry.verifyUnless}</p>
        {user && <p>{entry.verifyInstead(profile?.nickname ?? '…')}</p>}
        <Form
          submit={entry.verifyNow}
          send={async () => {
            await client.loginWithMailToken(token);
            closeMailedLink();
            showToast({ tone: 'good', text: (words) => words.entry.verified });
          }}
        />
        <p className="ways">
          <Decline label={entry.notRegistered} />
          {user ? <Link href="/">{entry.stay}</Link> : <Link href="/login">{entry.toLogin}</Link>}
        </p>
      </section>
    </div>
  );
}

/** Form for a new password. */
function ResetPage({ token }: { readonly token: string }) {
  const { entry } = useWords();
  const [, navigate] = useLocation();
  return (
    <div className="narrow">
      <Title text={entry.reset} />
      <section className="card entry">
        <p>{entry.resetText}</p>
        <p>{entry.resetUnless}</p>
        <Form
          submit={entry.setPassword}
          send={async ({ password }) => {
            await callApiAnonymously('/auth/reset-password', { method: 'POST', body: { token, password } });
            navigate('/login');
            showToast({ tone: 'good', text: (words) => words.entry.passwordIsSet });
          }}
          help={({ code }) =>
            code === 'token_invalid' && (
              <Link className="button plain" href="/forgot-password">
                {entry.sendLink}
              </Link>
            )
          }
        >
          <Field
            name="password"
            label={entry.newPassword}
            hint={entry.resetHint}
            type="password"
            autoComplete="new-password"
          />
        </Form>
        <p className="ways">
          <Decline label={entry.notRequested} />
        </p>
      </section>
    </div>
  );
}

/** Link that leaves the page without using the mailed link. */
function Decline({ label }: { readonly label: string }) {
  const [, navigate] = useLocation();
  return (
    <Link
      href="/"
      onClick={(event) => {
        event.preventDefault();
        closeMailedLink();
        navigate('/');
        showToast({ tone: 'good', text: (words) => words.entry.declined });
      }}
    >
      {label}
    </Link>
  );
}
