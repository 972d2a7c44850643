import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { RequireLogin } from '../auth/require-login.js';
import { AsyncButton } from '../ui/async-button.js';
import { Title } from '../ui/title.js';
import { useWords } from '../i18n/language.js';
import { client } from '../session/session.js';
import './account-page.css';

interface AccountPageProps {
  readonly title: string;
  /** Text below the title. */
  readonly lead?: string;
  readonly children: ReactNode;
}

/** A page of the user's account, with links to the other pages of the account. */
export function AccountPage({ title, lead, children }: AccountPageProps) {
  const { me, entry } = useWords();
  const [path, navigate] = useLocation();
  const pages: readonly (readonly [string, string])[] = [
    ['/me', me.profile],
    ['/me/ways-in', me.loginMethods],
    ['/me/sessions', me.sessions],
    ['/me/activity', me.activity],
    ['/me/delete', me.leave],
  ];
  return (
    <RequireLogin title={title}>
      <div className="mine-pages">
        <nav aria-label={me.title}>
          <ul>
            {pages.map(([href, label]) => (
              <li key={href}>
                <Link href={href} aria-current={href === path ? 'page' : undefined}>
                  {label}
                </Link>
              </li>
            ))}
          </ul>
          <AsyncButton
            className="plain log-out"
            label={entry.logOut}
            action={async () => {
              await client.logout();
              navigate('/');
            }}
            done={(words) => words.entry.loggedOut}
          />
        </nav>
        <div className="mine-page">
          <Title text={title} />
          {lead !== undefined && <p className="lead">{lead}</p>}
          {children}
        </div>
      </div>
    </RequireLogin>
  );
}
