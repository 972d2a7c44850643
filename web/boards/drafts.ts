import { useEffect, useState } from 'react';
import { client, isLeavingToLogIn, useAuthState, getAuthState } from '../session/session.js';

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
 * Drafts of one account, by the place where they are written. They are in the memory of this page, and in the storage of the
 * tab only while the account is away from the page: elsewhere, or at a provider to log in after its session has ended. They
 * are cleared at a log-out, and when another account logs in.
 */
const drafts = new Map<string, Draft>();
let owner: string | undefined;
const STORED = 'drafts';
/** A provider's page was left without a log-in: the next attempt may succeed. */
const logInFailed = new URLSearchParams(location.search).has('login_error');

interface Stored {
  readonly owner?: string;
  readonly drafts?: readonly (readonly [string, Draft])[];
}

try {
  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? '{}') as Stored;
  if (stored.owner !== undefined) own(stored.owner);
  for (const [place, draft] of stored.drafts ?? []) drafts.set(place, draft);
  sessionStorage.removeItem(STORED);
} catch {
  // Browsers may forbid storage; then drafts last as long as the page.
}

client.onChange(({ user, reason }) => {
  if (user !== null) own(user.id);
  // Nobody was logged in at the first look: the account has logged out while this page was away.
  else if (reason === 'logout' || (reason === 'refresh' && !logInFailed)) own(undefined);
});

addEventListener('pagehide', () => {
  const { user } = getAuthState();
  const returns = user === null ? isLeavingToLogIn() : user === undefined || user.id === owner;
  if (drafts.size === 0 || !returns) return;
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ owner, drafts: [...drafts] } satisfies Stored));
  } catch {
    // See above.
  }
});

addEventListener('pageshow', ({ persisted }) => {
  if (persisted) sessionStorage.removeItem(STORED);
});

/** Drops the drafts of every other account. */
function own(id: string | undefined): void {
  if (owner !== id) drafts.clear();
  owner = id;
}

/** The draft of whoever is here, for `place`. While there is one, the browser asks before it leaves the page. */
export function useDraft(place: string, original: Draft): Drafting {
  const { lastId } = useAuthState();
  const [writer] = useState(lastId);
  const [begun, setBegun] = useState(() => {
    const left = writer === owner ? drafts.get(place) : undefined;
    return { start: left ?? original, resumed: left !== undefined, round: 0 };
  });
  useEffect(() => {
    const onLeave = (event: Event) => {
      // Who has to log in first leaves in order to come back.
      if (drafts.has(place) && getAuthState().user) event.preventDefault();
    };
    addEventListener('beforeunload', onLeave);
    return () => removeEventListener('beforeunload', onLeave);
  }, [place]);
  const drop = () => {
    if (writer === owner) drafts.delete(place);
  };
  return {
    ...begun,
    keep(draft) {
      if (writer === owner) drafts.set(place, draft);
    },
    drop,
    restart(start) {
      drop();
      setBegun({ start, resumed: false, round: begun.round + 1 });
    },
  };
}
