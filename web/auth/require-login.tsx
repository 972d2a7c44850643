import { useState, type ReactNode } from 'react';
import { useLocation, useSearch } from 'wouter';
import { Title } from '../ui/title.js';
import { Loading } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { useAuthState } from '../session/session.js';
import { LoginCard } from './login-card.js';
import './auth.css';

/**
 * Shows its children to a logged-in user, and the login card to any other. After the end of a session the children
 * stay mounted but hidden, so that the same account finds its unsent input after a login. Another account gets new
 * children.
 */
export function RequireLogin({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const words = useWords();
  const [path] = useLocation();
  const search = useSearch();
  const { user, lastId, reason } = useAuthState();
  const inside = user !== null && user !== undefined;
  const [wasInside, setWasInside] = useState(inside);
  if (inside && !wasInside) setWasInside(true);
  const keep = inside || (wasInside && reason === 'session_ended');
  if (user === undefined) {
    return (
      <>
        <Title text={title} />
        <Loading />
      </>
    );
  }
  return (
    <>
      {!inside && (
        <div className="narrow">
          <Title text={title} />
          <LoginCard returnTo={search === '' ? path : `${path}?${search}`} title={words.entry.toContinue} />
        </div>
      )}
      {keep && (
        <div key={lastId} hidden={!inside}>
          {children}
        </div>
      )}
    </>
  );
}
