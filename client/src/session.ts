import { expectAccessToken, type AccessToken } from './access-token.js';
import { withLock } from './lock.js';
import type { Change, Reason, User } from './contract.js';
import { Failure } from './failure.js';
import { retry } from './retry.js';
import { post } from './post.js';
import { joinTabs, tabsCanTalk } from './tabs.js';
import { onWake } from './wake-triggers.js';

/** The session of this tab. */
export interface Session {
  readonly user: User | null | undefined;
  /** The access token, which may have expired. */
  readonly token: AccessToken | undefined;
  /** Waits until the user is known and the access token is valid. */
  readonly prepare: () => Promise<void>;
  readonly refresh: () => Promise<User | null>;
  readonly enter: (path: string, body: unknown) => Promise<User>;
  readonly logout: () => Promise<void>;
}

/** @param notify called after every change */
export function openSession(base: string, send: typeof fetch, notify: (change: Change) => void): Session {
  /** The only variable that holds the access token. */
  let token: AccessToken | undefined;
  let user: User | null | undefined;
  /** True if the server must be asked before the token is used. */
  let stale = true;
  let refreshing: Promise<User | null> | undefined;
  /** Session of this browser by the latest message of another tab, and the number of messages. */
  let latest: string | undefined;
  let messages = 0;

  const name = `daemun ${base}`;
  const notifyTabs = joinTabs(name, ({ reason, sessionId }) => {
    if (reason !== 'login' && user && user.sessionId === sessionId) return setState(undefined, reason);
    const reported = reason === 'login' ? sessionId : undefined;
    messages++;
    if (reported === latest) return;
    latest = reported;
    stale = true;
    refreshQuietly();
  });

  function setState(next: AccessToken | undefined, reason: Reason): void {
    const previous = user;
    token = next;
    user = next?.user ?? null;
    stale = false;
    latest = next?.user.sessionId;
    messages++;
    if (user !== null || previous !== null) notify({ user, reason });
  }

  function refresh(): Promise<User | null> {
    return (refreshing ??= requestRefresh().finally(() => (refreshing = undefined)));
  }

  async function requestRefresh(): Promise<User | null> {
    let next: AccessToken | undefined;
    let code: string | undefined;
    let messagesBefore = messages;
    try {
      next = await retry(() =>
        withLock(name, () => {
          messagesBefore = messages;
          return post(send, `${base}/auth/refresh`, expectAccessToken());
        }),
      );
    } catch (error) {
      // These two codes alone mean that no user is logged in. Any other failure leaves it unknown.
      if (!(error instanceof Failure && /^(refresh_token_invalid|session_ended)$/.test(error.code)))
        throw error;
      ({ code } = error);
    }
    const sessionId = next?.user.sessionId;
    // Another tab logged in or out meanwhile, and the response is older.
    if (messages !== messagesBefore && sessionId !== latest) return requestRefresh();
    applyRefresh(next, code === 'session_ended', sessionId);
    return user ?? null;
  }

  function applyRefresh(next: AccessToken | undefined, ended: boolean, sessionId: string | undefined): void {
    const before = user;
    const isChange = sessionId !== latest;
    if (next !== undefined) {
      setState(next, before === undefined || before?.sessionId === sessionId ? 'refresh' : 'login');
      if (isChange) notifyTabs({ reason: 'login', sessionId });
    } else {
      const reason = ended || before ? 'session_ended' : 'refresh';
      setState(undefined, reason);
      if (reason === 'session_ended') notifyTabs({ reason, sessionId: before?.sessionId });
    }
  }

  /** Refreshes without reporting a failure. The next caller gets its own result. */
  function refreshQuietly(): void {
    refresh().catch(() => {});
  }

  onWake(
    () => token?.dueIn() ?? Infinity,
    !tabsCanTalk,
    (missedMessages) => {
      stale ||= missedMessages;
      if (stale || (token && token.dueIn() <= 0)) refreshQuietly();
    },
  );

  return {
    get user() {
      return user;
    },
    get token() {
      return token;
    },
    refresh,
    async prepare() {
      if (stale || token?.isSpent()) await refresh();
    },
    async enter(path, body) {
      const next = await withLock(name, () => post(send, base + path, expectAccessToken(), body));
      setState(next, 'login');
      notifyTabs({ reason: 'login', sessionId: latest });
      return next.user;
    },
    async logout() {
      await retry(() => withLock(name, () => post(send, `${base}/auth/logout`, () => undefined)));
      const sessionId = user?.sessionId;
      setState(undefined, 'logout');
      notifyTabs({ reason: 'logout', sessionId });
    },
  };
}
