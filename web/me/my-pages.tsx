import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { Gate } from '../entry/gate.js';
import { Act } from '../frame/act.js';
import { Title } from '../frame/title.js';
import { useWords } from '../language/language.js';
import { client } from '../session/session.js';

interface MyPageProps {
  readonly title: string;
  /** What one can do there. */
  readonly lead?: string;
  readonly children: ReactNode;
}

/** One of the pages about oneself, and the way to the others. */
export function MyPage({ title, lead, children }: MyPageProps) {
  const { me, entry } = useWords();
  const [path, navigate] = useLocation();
  const pages: readonly (readonly [string, string])[] = [
    ['/me', me.profile],
    ['/me/ways-in', me.waysIn],
    ['/me/sessions', me.sessions],
    ['/me/activity', me.activity],
    ['/me/delete', me.leave],
  ];
  return (
    <Gate title={title}>
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
          <Act
            className="plain log-out"
            label={entry.logOut}
            act={async () => {
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
    </Gate>
  );
}
