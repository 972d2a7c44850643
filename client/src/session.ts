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

/** @param tell called after every change */
export function openSession(base: string, send: typeof fetch, tell: (change: Change) => void): Session {
  /** The only variable that holds the access token. */
  let held: AccessToken | undefined;
  let user: User | null | undefined;
  /** True if the server must be asked before the token is used. */
  let stale = true;
  let asking: Promise<User | null> | undefined;
  /** Session of this browser by the latest message of another tab, and the number of messages. */
  let latest: string | undefined;
  let news = 0;

  const name = `daemun ${base}`;
  const tellTabs = joinTabs(name, ({ reason, sessionId }) => {
    if (reason !== 'login' && user && user.sessionId === sessionId) return setState(undefined, reason);
    const told = reason === 'login' ? sessionId : undefined;
    news++;
    if (told === latest) return;
    latest = told;
    stale = true;
    refreshQuietly();
  });

  function setState(next: AccessToken | undefined, reason: Reason): void {
    const known = user;
    held = next;
    user = next?.user ?? null;
    stale = false;
    latest = next?.user.sessionId;
    news++;
    if (user !== null || known !== null) tell({ user, reason });
  }

  function refresh(): Promise<User | null> {
    return (asking ??= ask().finally(() => (asking = undefined)));
  }

  async function ask(): Promise<User | null> {
    let next: AccessToken | undefined;
    let code: string | undefined;
    let newsBefore = news;
    try {
      next = await retry(() =>
        withLock(name, () => {
          newsBefore = news;
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
    if (news !== newsBefore && sessionId !== latest) return ask();
    learn(next, code === 'session_ended', sessionId);
    return user ?? null;
  }

  function learn(next: AccessToken | undefined, ended: boolean, sessionId: string | undefined): void {
    const before = user;
    const isNews = sessionId !== latest;
    if (next !== undefined) {
      setState(next, before === undefined || before?.sessionId === sessionId ? 'refresh' : 'login');
      if (isNews) tellTabs({ reason: 'login', sessionId });
    } else {
      const reason = ended || before ? 'session_ended' : 'refresh';
      setState(undefined, reason);
      if (reason === 'session_ended') tellTabs({ reason, sessionId: before?.sessionId });
    }
  }

  /** Refreshes without reporting a failure. The next caller gets its own result. */
  function refreshQuietly(): void {
    refresh().catch(() => {});
  }

  onWake(
    () => held?.dueIn() ?? Infinity,
    !tabsCanTalk,
    (missedNews) => {
      stale ||= missedNews;
      if (stale || (held && held.dueIn() <= 0)) refreshQuietly();
    },
  );

  return {
    get user() {
      return user;
    },
    get token() {
      return held;
    },
    refresh,
    async prepare() {
      if (stale || held?.isSpent()) await refresh();
    },
    async enter(path, body) {
      const next = await withLock(name, () => post(send, base + path, expectAccessToken(), body));
      setState(next, 'login');
      tellTabs({ reason: 'login', sessionId: latest });
      return next.user;
    },
    async logout() {
      await retry(() => withLock(name, () => post(send, `${base}/auth/logout`, () => undefined)));
      const sessionId = user?.sessionId;
      setState(undefined, 'logout');
      tellTabs({ reason: 'logout', sessionId });
    },
  };
}
