import { useEffect, useState } from 'react';
import { client, isLeavingToLogIn, useAuthState, getAuthState } from '../session/session.js';

/** Unsent text of a post. */
export interface Draft {
  readonly title: string;
  readonly body: string;
  /** Version of the post that the draft changes. */
  readonly version?: string;
}

/** A draft in an editor. */
export interface Drafting {
  /** Initial text of the editor. */
  readonly start: Draft;
  /** True if `start` is a kept draft. */
  readonly resumed: boolean;
  /** Number of restarts; the key of the editor. */
  readonly round: number;
  readonly keep: (draft: Draft) => void;
  readonly drop: () => void;
  /** Drops the draft, and restarts the editor with another text. */
  readonly restart: (start: Draft) => void;
}

/**
 * Drafts of one account, by the key of their editor. They are in memory, and in sessionStorage only while the tab shows another
 * document: another site, or a provider's login page after the end of the session. A logout and a login of another
 * account clear them.
 */
const drafts = new Map<string, Draft>();
let owner: string | undefined;
const STORED = 'drafts';
/** The login at a provider failed; the next attempt may succeed. */
const logInFailed = new URLSearchParams(location.search).has('login_error');

interface Stored {
  readonly owner?: string;
  readonly drafts?: readonly (readonly [string, Draft])[];
}

try {
  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? '{}') as Stored;
  if (stored.owner !== undefined) own(stored.owner);
  for (const [key, draft] of stored.drafts ?? []) drafts.set(key, draft);
  sessionStorage.removeItem(STORED);
} catch {
  // Without storage, drafts last as long as the page.
}

client.onChange(({ user, reason }) => {
  if (user !== null) own(user.id);
  // The first refresh found no session: the account logged out in another tab.
  else if (reason === 'logout' || (reason === 'refresh' && !logInFailed)) own(undefined);
});

addEventListener('pagehide', () => {
  const { user } = getAuthState();
  const returns = user === null ? isLeavingToLogIn() : user === undefined || user.id === owner;
  if (drafts.size === 0 || !returns) return;
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ owner, drafts: [...drafts] } satisfies Stored));
  } catch {
    // Without storage, the draft is lost.
  }
});

addEventListener('pageshow', ({ persisted }) => {
  if (persisted) sessionStorage.removeItem(STORED);
});

/** Makes an account the owner, and drops the drafts of any other. */
function own(id: string | undefined): void {
  if (owner !== id) drafts.clear();
  owner = id;
}

/** Returns the user's draft for `key`. While there is one, the browser asks before it leaves the page. */
export function useDraft(key: string, original: Draft): Drafting {
  const { lastId } = useAuthState();
  const [writer] = useState(lastId);
  const [begun, setBegun] = useState(() => {
    const left = writer === owner ? drafts.get(key) : undefined;
    return { start: left ?? original, resumed: left !== undefined, round: 0 };
  });
  useEffect(() => {
    const onLeave = (event: Event) => {
      // A logged-out user leaves for a login, and comes back.
      if (drafts.has(key) && getAuthState().user) event.preventDefault();
    };
    addEventListener('beforeunload', onLeave);
    return () => removeEventListener('beforeunload', onLeave);
  }, [key]);
  const drop = () => {
    if (writer === owner) drafts.delete(key);
  };
  return {
    ...begun,
    keep(draft) {
      if (writer === owner) drafts.set(key, draft);
    },
    drop,
    restart(start) {
      drop();
      setBegun({ start, resumed: false, round: begun.round + 1 });
    },
  };
}
