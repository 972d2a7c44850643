import { useEffect, useState } from 'react';
import { useStanding, whoIsHere } from '../session/session.js';

/** What somebody writes and has not sent yet. */
export interface Draft {
  readonly title: string;
  readonly body: string;
  /** The version of the post that it changes. */
  readonly version?: string;
}

/** A draft, and what becomes of it. */
export interface Drafting {
  /** What one begins with. */
  readonly start: Draft;
  /** Whether that is what one had left, and not what is there for everyone. */
  readonly resumed: boolean;
  /** Changes whenever one begins anew. */
  readonly round: number;
  readonly keep: (draft: Draft) => void;
  readonly drop: () => void;
  /** Drops it, and begins anew with something else. */
  readonly restart: (start: Draft) => void;
}

/**
 * By whose they are, and where they are written. They are in this page's memory, so that one may look elsewhere and come
 * back. Only while the page is left, such as for the page of a provider, are they in the tab's storage; not after a log-out.
 */
const drafts = new Map<string, Draft>();
const STORED = 'drafts';

try {
  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? '[]') as readonly [string, Draft][];
  for (const [key, draft] of stored) drafts.set(key, draft);
  sessionStorage.removeItem(STORED);
} catch {
  // Browsers may forbid storage; then drafts last as long as the page.
}

addEventListener('pagehide', () => {
  if (drafts.size === 0 || whoIsHere().reason === 'logout') return;
  try {
    sessionStorage.setItem(STORED, JSON.stringify([...drafts]));
  } catch {
    // See above.
  }
});

addEventListener('pageshow', ({ persisted }) => {
  if (persisted) sessionStorage.removeItem(STORED);
});

/** The draft of whoever is here, for `place`. While there is one, the browser asks before it leaves the page. */
export function useDraft(place: string, original: Draft): Drafting {
  const { lastId } = useStanding();
  const [key] = useState(() => `${lastId} ${place}`);
  const [begun, setBegun] = useState(() => {
    const left = drafts.get(key);
    return { start: left ?? original, resumed: left !== undefined, round: 0 };
  });
  useEffect(() => {
    const onLeave = (event: Event) => {
      // Who has to log in first leaves in order to come back.
      if (drafts.has(key) && whoIsHere().user) event.preventDefault();
    };
    addEventListener('beforeunload', onLeave);
    return () => removeEventListener('beforeunload', onLeave);
  }, [key]);
  const drop = () => void drafts.delete(key);
  return {
    ...begun,
    keep: (draft) => void drafts.set(key, draft),
    drop,
    restart(start) {
      drop();
      setBegun({ start, resumed: false, round: begun.round + 1 });
    },
  };
}
