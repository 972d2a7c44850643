import { useState, type ReactNode } from 'react';
import { useLocation, useSearch } from 'wouter';
import { Title } from '../frame/title.js';
import { Waiting } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { useStanding } from '../session/session.js';
import { LogInCard } from './log-in-card.js';

/**
 * Lets those through who are logged in, and offers others to log in right here. Who was inside when the session was ended
 * finds everything as it was once back: what they were writing is not lost. Somebody else finds nothing of it.
 */
export function Gate({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const words = useWords();
  const [path] = useLocation();
  const search = useSearch();
  const { user, lastId, reason } = useStanding();
  const inside = user !== null && user !== undefined;
  const [wasInside, setWasInside] = useState(inside);
  if (inside && !wasInside) setWasInside(true);
  const keep = inside || (wasInside && reason === 'session_ended');
  if (user === undefined) {
    return (
      <>
        <Title text={title} />
        <Waiting />
      </>
    );
  }
  return (
    <>
      {!inside && (
        <div className="narrow">
          <Title text={title} />
          <LogInCard returnTo={search === '' ? path : `${path}?${search}`} title={words.entry.toContinue} />
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
