import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeDevice } from '../../../src/auth/sessions/device.js';
import { json, openSession, failure, signedIn, type Tokens } from '../../support/fixtures/actors.js';
import { CLOCK_SKEW_S } from '../../../src/access/access-token.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';

const WINDOWS =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

interface Listed {
  readonly id: string;
  readonly current: boolean;
  readonly [member: string]: unknown;
}
async function newAccount(): Promise<string> {
  return (await signedIn(app)).id;
}
function logIn(accountId: string, userAgent = WINDOWS, method = 'kakao'): Promise<Tokens> {
  return openSession(app, { accountId, method, ip: '203.0.113.7', userAgent });
}
const call = (method: string, path: string, { accessToken }: Tokens, cookie = '') =>
  fetch(app.url + path, {
    method,
    headers: { authorization: `Bearer ${accessToken}`, cookie: `refresh=${cookie}` },
  });
const list = async (tokens: Tokens) =>
  (await (await call('GET', '/auth/sessions', tokens)).json()) as Listed[];
const currentOf = async (tokens: Tokens) => (await list(tokens)).find(({ current }) => current)?.id ?? '';
const refresh = (tokens: Pick<Tokens, 'refreshToken'>) =>
  fetch(`${app.url}/auth/refresh`, { method: 'POST', headers: { cookie: `refresh=${tokens.refreshToken}` } });
const isOver = async (tokens: Tokens) => {
  const answers = [await call('GET', '/users/me', tokens), await refresh(tokens)];
  const bodies = await Promise.all(answers.map(async (answer) => (await answer.json()) as { code?: string }));
  return bodies.every(({ code }) => code === 'session_ended');
};
async function auditOf(accountId: string): Promise<unknown[]> {
  const rows = await app.database.query<{ kind: string; details: object }[]>(
    'SELECT kind, details FROM auth.audit_events WHERE account_id = $1 ORDER BY id',
    [accountId],
  );
  return rows.map(({ kind, details }) => ({ kind, ...details }));
}

describe('the session list', () => {
  it('shows device, login method, start and expiry of each session', async () => {
    const mina = await newAccount();
    await logIn(mina, IPHONE, 'google');
    const here = await logIn(mina);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const times = { createdAt: time, lastSeenAt: time, idleExpiresAt: time, expiresAt: time };
    const id = expect.any(String);
    expect(await list(here)).toEqual([
      { id, current: true, ip: '203.0.113.7', device: 'Chrome on Windows', method: 'kakao', ...times },
      { id, current: false, ip: '203.0.113.7', device: 'Safari on iPhone', method: 'google', ...times },
    ]);
  });

  it('shows idle and absolute limit', async () => {
    const [session] = await list(await logIn(await newAccount()));
    const days = (from: unknown, to: unknown) =>
      (Date.parse(String(to)) - Date.parse(String(from))) / 86_400_000;
    expect(days(session?.['lastSeenAt'], session?.['idleExpiresAt'])).toBeCloseTo(30, 3);
    expect(days(session?.['createdAt'], session?.['expiresAt'])).toBeCloseTo(180, 3);
  });

  it('shows no session of other accounts', async () => {
    const [mina, juno] = [await logIn(await newAccount()), await logIn(await newAccount())];
    expect(await list(mina)).toHaveLength(1);
    const answer = call('DELETE', `/auth/sessions/${await currentOf(juno)}`, mina);
    expect(await failure(answer)).toEqual({ status: 404, code: 'session_not_found' });
    expect(await isOver(juno)).toBe(false);
  });

  it('requires a login', async () => {
    expect((await fetch(`${app.url}/auth/sessions`)).status).toBe(401);
  });

  it('ends a selected session at once, and no longer lists it', async () => {
    const mina = await newAccount();
    const [phone, here] = [await logIn(mina, IPHONE), await logIn(mina)];
    const id = await currentOf(phone);
    expect((await call('DELETE', `/auth/sessions/${id}`, here)).status).toBe(204);
    expect(await isOver(phone)).toBe(true);
    expect((await list(here)).map(({ current }) => current)).toEqual([true]);
    expect((await call('DELETE', `/auth/sessions/${id}`, here)).status).toBe(404);
  });

  it('clears the cookie when a client ends its own session', async () => {
    const here = await logIn(await newAccount());
    const answer = await call('DELETE', `/auth/sessions/${await currentOf(here)}`, here, here.refreshToken);
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([
      204,
      [expect.stringMatching(/^refresh=;/)],
    ]);
    expect(await isOver(here)).toBe(true);
  });

  it('keeps the cookie if the browser has logged in again in the meantime', async () => {
    const mina = await newAccount();
    const [before, now] = [await logIn(mina), await logIn(mina)];
    const path = `/auth/sessions/${await currentOf(before)}`;
    const answer = await call('DELETE', path, before, now.refreshToken);
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([204, []]);
    expect((await refresh(now)).status).toBe(200);
  });

  it('ends all other sessions', async () => {
    const mina = await newAccount();
    const others = [await logIn(mina), await logIn(mina)];
    const here = await logIn(mina);
    expect((await call('DELETE', '/auth/sessions', here)).status).toBe(204);
    for (const other of others) expect(await isOver(other)).toBe(true);
    expect(await list(here)).toHaveLength(1);
    expect(await isOver(here)).toBe(false);
  });

  it.each([
    ['idle', 'issued_at = 0, created_at = created_at - make_interval(days => 31)'],
    ['absolute', "expires_at = now() - interval '1 second'"],
  ])('omits sessions past their %s limit, and records their end', async (_, past) => {
    const mina = await newAccount();
    const old = await logIn(mina);
    await app.database.query(`UPDATE auth.sessions SET ${past} WHERE account_id = $1`, [mina]);
    expect(await list(await logIn(mina))).toHaveLength(1);
    const answer = await refresh(old);
    expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'session_ended' }]);
    expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^refresh=;/)]);
  });
});

describe('an account at SESSION_LIMIT', () => {
  const LIMIT = 3;
  let limited: TestApp;
  beforeAll(async () => {
    limited = await startApp({ SESSION_LIMIT: String(LIMIT) });
  });
  afterAll(() => limited.stop());
  const open = (accountId: string) => openSession(limited, { accountId, userAgent: WINDOWS });
  const callLimited = (method: string, path: string, { accessToken }: Tokens) =>
    fetch(limited.url + path, { method, headers: { authorization: `Bearer ${accessToken}` } });
  const idsOf = async (tokens: Tokens) =>
    ((await (await callLimited('GET', '/auth/sessions', tokens)).json()) as Listed[]).map(({ id }) => id);
  /** Opens sessions whose last uses are a minute apart, the oldest first. */
  async function filled(): Promise<{ accountId: string; sessions: Tokens[] }> {
    const { id: accountId } = await signedIn(limited);
    const sessions: Tokens[] = [];
    for (let n = 0; n < LIMIT; n++) {
      await limited.database.query(
        "UPDATE auth.sessions SET created_at = created_at - interval '1 minute', issued_at = issued_at - 60000 WHERE account_id = $1",
        [accountId],
      );
      sessions.push(await open(accountId));
    }
    return { accountId, sessions };
  }

  it('loses its least recently used session at once when another is opened', async () => {
    const { accountId, sessions } = await filled();
    const next = await open(accountId);
    await next.publishEnded();
    expect(await idsOf(next)).toHaveLength(LIMIT);
    const statuses = await Promise.all(
      sessions.map(async (each) => (await callLimited('GET', '/users/me', each)).status),
    );
    expect(statuses).toEqual([401, 200, 200]);
  });

  it('keeps a session that has just been refreshed', async () => {
    const { accountId, sessions } = await filled();
    const refreshed = await fetch(`${limited.url}/auth/refresh`, {
      method: 'POST',
      headers: { cookie: `refresh=${sessions[0]?.refreshToken}` },
    });
    expect(refreshed.status).toBe(200);
    await (await open(accountId)).publishEnded();
    const statuses = await Promise.all(
      sessions.map(async (each) => (await callLimited('GET', '/users/me', each)).status),
    );
    expect(statuses).toEqual([200, 401, 200]);
  });

  it('finds the session limit as the reason in its audit trail', async () => {
    const { accountId } = await filled();
    await open(accountId);
    const ended = await limited.database.query<object[]>(
      "SELECT details FROM auth.audit_events WHERE account_id = $1 AND kind = 'session_ended'",
      [accountId],
    );
    expect(ended).toEqual([{ details: { reason: 'limit_reached', from: expect.any(String) } }]);
  });

  it.each([
    ['ended', "ended_at = now(), end_reason = 'logged_out'"],
    ['passed its idle limit', "issued_at = 0, created_at = created_at - interval '31 days'"],
    ['passed its absolute limit', "expires_at = now() - interval '1 second'"],
  ])('does not count a session that %s', async (_, past) => {
    const { accountId, sessions } = await filled();
    const newest = (await idsOf(sessions[2]!))[0]!;
    await limited.database.query(`UPDATE auth.sessions SET ${past} WHERE id = $1`, [newest]);
    await open(accountId);
    const ended = await limited.database.query<object[]>(
      "SELECT FROM auth.sessions WHERE account_id = $1 AND end_reason = 'limit_reached'",
      [accountId],
    );
    expect(ended).toEqual([]);
  });

  it('ends no session of other accounts', async () => {
    const [mina, juno] = [await filled(), await filled()];
    await open(mina.accountId);
    expect(await idsOf(juno.sessions[0]!)).toHaveLength(LIMIT);
  });

  it('above a lowered limit has surplus sessions unlisted, and ended at the next login', async () => {
    const { accountId, sessions } = await filled();
    await limited.database.query(
      `INSERT INTO auth.sessions (id, account_id, method, device, expires_at)
       SELECT gen_random_uuid(), $1, 'kakao', 'Chrome on Windows', now() + interval '1 day' FROM generate_series(1, 20)`,
      [accountId],
    );
    expect(await idsOf(sessions[2]!)).toHaveLength(LIMIT);
    const next = await open(accountId);
    const living = await limited.database.query<object[]>(
      'SELECT FROM auth.sessions WHERE account_id = $1 AND ended_at IS NULL',
      [accountId],
    );
    expect(living).toHaveLength(LIMIT);
    expect(await idsOf(next)).toHaveLength(LIMIT);
  });
});

describe('the device name', () => {
  it.each([
    [WINDOWS, 'Chrome on Windows'],
    [IPHONE, 'Safari on iPhone'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Firefox on macOS',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0 Mobile Safari/537.36 KAKAOTALK 11.0.0',
      'KakaoTalk on Android',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
      'Samsung Internet on Android',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1',
      'Chrome on iPhone',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15',
      'Firefox on iPad',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Whale/4.33.325.17 Safari/537.36',
      'Whale on Windows',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/125.0.0.0',
      'Opera on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1 NAVER(inapp; search; 2000; 12.9.2)',
      'Naver on iPhone',
    ],
    [
      'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on ChromeOS',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
      'Safari on macOS',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101', 'Linux'],
    ['curl/8.0', 'Unknown device'],
    [null, 'Unknown device'],
  ])('%s', (userAgent, words) => {
    expect(describeDevice(userAgent)).toBe(words);
  });
});

describe('the audit trail', () => {
  it('records the reason for the end of a session', async () => {
    const mina = await newAccount();
    const [phone, here] = [await logIn(mina, IPHONE), await logIn(mina)];
    await call('DELETE', `/auth/sessions/${await currentOf(phone)}`, here);
    await fetch(`${app.url}/auth/logout`, {
      method: 'POST',
      headers: { cookie: `refresh=${here.refreshToken}` },
    });
    expect(await auditOf(mina)).toEqual([
      { kind: 'session_opened', method: 'kakao' },
      { kind: 'session_opened', method: 'kakao' },
      { kind: 'session_ended', reason: 'ended_from_list', from: expect.any(String) },
      { kind: 'session_ended', reason: 'logged_out' },
    ]);
  });

  it('records the session that ended all others', async () => {
    const mina = await newAccount();
    await logIn(mina);
    const here = await logIn(mina);
    const from = await currentOf(here);
    await call('DELETE', '/auth/sessions', here);
    expect((await auditOf(mina)).at(-1)).toEqual({ kind: 'session_ended', reason: 'ended_from_list', from });
  });

  it('distinguishes a lost response from a stolen cookie', async () => {
    const mina = await newAccount();
    const { refreshToken } = await logIn(mina);
    const pass = () =>
      app.database.query(
        'UPDATE auth.sessions SET rotated_at = rotated_at - 60000, issued_at = issued_at - 60000 WHERE account_id = $1',
        [mina],
      );
    const present = async (token: string) => {
      await pass();
      const answer = await refresh({ refreshToken: token });
      return /^refresh=([^;]*)/.exec(answer.headers.getSetCookie()[0] ?? '')?.[1] ?? '';
    };
    const lost = await present(refreshToken);
    await present(refreshToken);
    await present(lost);
    expect(await auditOf(mina)).toEqual([
      { kind: 'session_opened', method: 'kakao' },
      { kind: 'session_recovered' },
      { kind: 'session_reused' },
    ]);
  });

  it('records one event per session when 2,000 sessions end in one request', async () => {
    const mina = await newAccount();
    const here = await logIn(mina);
    await app.database.query(
      `INSERT INTO auth.sessions (id, account_id, method, device, expires_at)
       SELECT gen_random_uuid(), $1, 'kakao', 'Chrome on Windows', now() + interval '1 day' FROM generate_series(1, 2000)`,
      [mina],
    );
    await call('DELETE', '/auth/sessions', here);
    const events = (await auditOf(mina)) as { kind: string }[];
    expect(events.filter(({ kind }) => kind === 'session_ended')).toHaveLength(2000);
  });

  describe('while no audit event can be written', () => {
    const whileNothingIsRecorded = async <T>(work: () => Promise<T>): Promise<T> => {
      await app.database.query('ALTER TABLE auth.audit_events RENAME TO audit_events_away');
      try {
        return await work();
      } finally {
        await app.database.query('ALTER TABLE auth.audit_events_away RENAME TO audit_events');
      }
    };
    const logOut = ({ refreshToken }: Tokens) =>
      fetch(`${app.url}/auth/logout`, { method: 'POST', headers: { cookie: `refresh=${refreshToken}` } });

    it('a logout is answered with 503', async () => {
      const session = await logIn(await newAccount());
      expect((await whileNothingIsRecorded(() => logOut(session))).status).toBe(503);
    });

    it('a logout does not end the session', async () => {
      const session = await logIn(await newAccount());
      await whileNothingIsRecorded(() => logOut(session));
      expect((await refresh(session)).status).toBe(200);
    });
  });
});

describe('the lifetime of an access token', () => {
  it('varies by a few per cent below its maximum, as expiresIn says', async () => {
    const mina = await newAccount();
    const lives = await Promise.all(
      Array.from({ length: 40 }, async () =>
        json<{ accessToken: string; expiresIn: number }>(refresh(await logIn(mina))),
      ),
    );
    for (const { accessToken, expiresIn } of lives) {
      const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as {
        exp: number;
        iat: number;
      };
      expect(claims.exp - (claims.iat + CLOCK_SKEW_S)).toBe(expiresIn);
    }
    const seconds = lives.map(({ expiresIn }) => expiresIn);
    expect(Math.max(...seconds)).toBeLessThanOrEqual(600);
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(570);
    expect(new Set(seconds).size).toBeGreaterThan(1);
  });
});
