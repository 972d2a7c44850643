import { useState } from 'react';
import { Link, Redirect, useSearchParams } from 'wouter';
import { Field, Form } from '../frame/form.js';
import { tell } from '../frame/notices.js';
import { Title } from '../frame/title.js';
import { Waiting } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { askAsAnyone } from '../session/ask.js';
import { useUser } from '../session/session.js';
import { LogInCard, Resend } from './log-in-card.js';

/** The log-in page; who is inside goes on to where they were going. */
export function LogInPage() {
  const { entry } = useWords();
  const next = useNext();
  const user = useUser();
  if (user === undefined) return <Waiting />;
  if (user !== null) return <Redirect href={next} replace />;
  return (
    <div className="narrow">
      <Title text={entry.logIn} />
      <LogInCard returnTo={next} title={entry.providers} />
    </div>
  );
}

/** A path of this page and nothing else, whatever the address says. */
function useNext(): string {
  const [search] = useSearchParams();
  const asked = search.get('next') ?? '/';
  const next = URL.canParse(asked, location.origin) ? new URL(asked, location.origin) : undefined;
  return next?.origin === location.origin ? next.pathname + next.search : '/';
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
            await askAsAnyone('/auth/register', { method: 'POST', body: registration });
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
                await askAsAnyone('/auth/forgot-password', { method: 'POST', body: { email } });
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

/** Where the link in the mail leads that lets one choose a new password. */
export function ResetPage({ token, done }: { readonly token: string; readonly done: () => void }) {
  const { entry } = useWords();
  return (
    <div className="narrow">
      <Title text={entry.reset} />
      <section className="card entry">
        <Form
          submit={entry.setPassword}
          send={async ({ password }) => {
            await askAsAnyone('/auth/reset-password', { method: 'POST', body: { token, password } });
            done();
            tell({ tone: 'good', text: (words) => words.entry.passwordIsSet });
          }}
          help={({ code }) =>
            code === 'token_invalid' && (
              <Link className="button plain" href="/forgot-password" onClick={done}>
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
      </section>
    </div>
  );
}
