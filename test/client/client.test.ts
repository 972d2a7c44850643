import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Change, Client } from '../../client/src/contract.js';
import { bundleClient } from '../support/fixtures/client-page.js';
import {
  API,
  importClient,
  inTurn,
  lost,
  problem,
  silence,
  tokenOf,
  tokens,
  Transport,
} from '../support/fixtures/client-transport.js';

// Messages between tabs are tested in other suites.
Reflect.deleteProperty(globalThis, 'BroadcastChannel');
const { createClient, Failure } = await importClient();

let transport: Transport;
let client: Client;
let changes: Change[];
beforeEach(() => {
  jest.useFakeTimers();
  // AbortSignal.timeout does not follow the clock of a test.
  jest.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new DOMException('', 'TimeoutError')), milliseconds);
    return controller.signal;
  });
  transport = new Transport();
  client = createClient({ baseUrl: API, fetch: transport.fetch });
  changes = [];
  client.onChange((change) => changes.push(change));
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** Advances the clock until the promise settles. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  const waiting = new Set([promise]);
  promise.finally(() => waiting.clear()).catch(() => {});
  for (let seconds = 0; waiting.size > 0 && seconds < 120; seconds++)
    await jest.advanceTimersByTimeAsync(1_000);
  return promise;
}
const failureOf = (promise: Promise<unknown>) => settled(promise.catch((error: unknown) => error));
const bearers = () => transport.requests.map(({ headers }) => headers.get('authorization'));

describe('the client package', () => {
  it('is below 3 KB, minified and gzipped', async () => {
    jest.useRealTimers();
    expect(gzipSync(await bundleClient(), { level: 9 }).length).toBeLessThan(3 * 1024);
  });

  it('has no dependencies', () => {
    const manifest = JSON.parse(readFileSync('client/package.json', 'utf8')) as Record<string, unknown>;
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
      expect(manifest).not.toHaveProperty(kind);
    }
  });
});

describe('a request', () => {
  it('waits until the user is known, and carries the token', async () => {
    await client.fetch('/ok');
    expect(bearers()).toEqual([null, expect.stringMatching(/^Bearer ey/)]);
    expect(transport.take()).toEqual(['/auth/refresh', '/ok']);
  });

  it('has no token when the user is logged out', async () => {
    transport.answers['/auth/refresh'] = () => problem(401, 'refresh_token_invalid');
    expect((await client.fetch('/ok')).status).toBe(200);
    expect(bearers()).toEqual([null, null]);
  });

  it('keeps its own Authorization header', async () => {
    await client.fetch('/ok', { headers: { authorization: 'Basic eA==' } });
    expect(bearers()).toEqual(['Basic eA==']);
  });

  it.each([
    'https://elsewhere.example.com/ok',
    'http://api.example.com/ok',
    'https://api.example.com:444/ok',
  ])('carries no token to another origin: %s', async (url) => {
    await client.refresh();
    transport.take();
    await client.fetch(url);
    expect(bearers()).toEqual([null]);
    expect(transport.requests[0]?.credentials).toBe('same-origin');
  });

  it.each([
    ['/ok', `${API}/v1/ok`],
    ['ok?a=b', `${API}/v1/ok?a=b`],
    [`${API}/ok`, `${API}/ok`],
    [new URL('/ok', API), `${API}/ok`],
    ['/\\elsewhere.example.com', `${API}/v1//elsewhere.example.com`],
  ])('is relative to the API: %s', async (input, url) => {
    const other = createClient({ baseUrl: `${API}/v1/`, fetch: transport.fetch });
    await other.fetch(input);
    expect(transport.requests.at(-1)?.url).toBe(url);
  });

  it.each(['access_token_expired', 'access_token_invalid', 'session_ended'])(
    'is repeated once with a new token after %s',
    async (code) => {
      transport.answers['/me'] = inTurn(
        () => problem(401, code),
        () => new Response('me'),
      );
      expect(await (await client.fetch('/me')).text()).toBe('me');
      expect(new Set(bearers()).size).toBe(3);
      expect(transport.take()).toEqual(['/auth/refresh', '/me', '/auth/refresh', '/me']);
    },
  );

  it('is repeated at most once', async () => {
    transport.answers['/me'] = () => problem(401, 'access_token_expired');
    expect((await client.fetch('/me')).status).toBe(401);
    expect(transport.take()).toEqual(['/auth/refresh', '/me', '/auth/refresh', '/me']);
  });

  it('is not repeated after an unrelated refusal, and its response body is readable', async () => {
    transport.answers['/me'] = () => problem(401, 'credentials_invalid');
    expect(await (await client.fetch('/me')).json()).toEqual({ code: 'credentials_invalid' });
    expect(transport.take()).toEqual(['/auth/refresh', '/me']);
  });

  it('is returned as refused after the session has ended', async () => {
    await client.refresh();
    transport.answers['/me'] = () => problem(401, 'session_ended');
    transport.answers['/auth/refresh'] = () => problem(401, 'session_ended');
    expect((await client.fetch('/me')).status).toBe(401);
    expect(changes.map(({ reason }) => reason)).toEqual(['refresh', 'session_ended']);
  });

  it('is not repeated for another user', async () => {
    await client.refresh();
    transport.take();
    transport.answers['/me'] = () => problem(401, 'session_ended');
    transport.answers['/auth/refresh'] = () => tokens(tokenOf('duri', 'session-2'));
    expect((await client.fetch('/me')).status).toBe(401);
    expect(client.user?.id).toBe('duri');
    expect(transport.take()).toEqual(['/me', '/auth/refresh']);
  });

  it('shares one refresh with other requests refused at the same time', async () => {
    await client.refresh();
    transport.take();
    let refused = 0;
    transport.answers['/me'] = () =>
      refused++ < 5 ? problem(401, 'access_token_expired') : new Response('me');
    await Promise.all(Array.from({ length: 5 }, () => client.fetch('/me')));
    expect(transport.take().filter((path) => path === '/auth/refresh')).toHaveLength(1);
  });

  it.each<[string, () => RequestInit]>([
    ['text', () => ({ body: 'a long text' })],
    ['a form', () => ({ body: new URLSearchParams({ a: 'long text' }) })],
    ['a blob', () => ({ body: new Blob(['a long ', 'text']) })],
    ['a stream', () => ({ body: new Blob(['a long text']).stream(), duplex: 'half' }) as RequestInit],
  ])('is repeated with its body: %s', async (_, init) => {
    const bodies: string[] = [];
    transport.answers['/echo'] = async (request) => {
      bodies.push(await request.text());
      return bodies.length === 1 ? problem(401, 'access_token_expired') : new Response();
    };
    await client.fetch('/echo', { method: 'POST', ...init() });
    expect(bodies).toEqual([expect.stringMatching(/^a.*long.text$/), bodies[0]]);
  });

  it('is repeated with an unread stream as its body', async () => {
    transport.answers['/echo'] = inTurn(
      () => problem(401, 'access_token_expired'),
      async (request) => new Response(await request.text()),
    );
    const init = { method: 'POST', body: new Blob(['a long text']).stream(), duplex: 'half' } as RequestInit;
    expect(await (await client.fetch('/echo', init)).text()).toBe('a long text');
  });

  it('can be aborted', async () => {
    transport.answers['/slow'] = silence;
    const controller = new AbortController();
    const sent = client.fetch('/slow', { signal: controller.signal });
    await client.refresh();
    controller.abort();
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('includes cookies by default', async () => {
    await client.fetch('/ok');
    await client.fetch('/ok', { credentials: 'omit' });
    expect(transport.requests.map(({ credentials }) => credentials)).toEqual(['include', 'include', 'omit']);
  });
});

describe('a refresh', () => {
  it('reads the user from the token, also with characters beyond ASCII', async () => {
    transport.answers['/auth/refresh'] = () => tokens(tokenOf('미나', 'session-1', ['user', '관리자']));
    expect(await client.refresh()).toEqual({ id: '미나', sessionId: 'session-1', roles: ['user', '관리자'] });
  });

  it('is retried at once after a lost response', async () => {
    transport.answers['/auth/refresh'] = inTurn(lost, () => tokens());
    const refreshed = client.refresh();
    await jest.advanceTimersByTimeAsync(400);
    expect(await refreshed).toMatchObject({ id: 'mina' });
  });

  it('is retried through a restart of the server', async () => {
    const isBack = Date.now() + 15_000;
    transport.answers['/auth/refresh'] = (request) => (Date.now() < isBack ? lost(request) : tokens());
    expect(await settled(client.refresh())).toMatchObject({ id: 'mina' });
    expect(transport.take().length).toBeLessThan(12);
  });

  it.each([
    ['refuses connections', lost],
    ['does not answer', silence],
  ])('gives up after about 20 seconds when the server %s', async (_, answer) => {
    transport.answers['/auth/refresh'] = answer;
    const began = Date.now();
    expect(await failureOf(client.refresh())).toMatchObject({ name: 'Failure', code: 'unreachable' });
    expect(Date.now() - began).toBeGreaterThan(20_000);
    expect(Date.now() - began).toBeLessThan(30_000);
  });

  it('times out after 8 seconds without a response', async () => {
    transport.answers['/auth/refresh'] = inTurn(silence, () => tokens());
    const refreshed = client.refresh();
    await jest.advanceTimersByTimeAsync(7_999);
    expect(transport.take()).toHaveLength(1);
    await settled(refreshed);
    expect(transport.take()).toHaveLength(1);
  });

  it.each([
    [503, 'temporarily_unavailable'],
    [429, 'too_many_attempts'],
  ])('honors the Retry-After of a %i', async (status, code) => {
    const busy = () => problem(status, code, { 'retry-after': '2' });
    transport.answers['/auth/refresh'] = inTurn(busy, () => tokens());
    const refreshed = client.refresh();
    await jest.advanceTimersByTimeAsync(1_999);
    expect(transport.take()).toHaveLength(1);
    expect(await settled(refreshed)).toMatchObject({ id: 'mina' });
  });

  it('does not block requests for a long Retry-After', async () => {
    transport.answers['/auth/refresh'] = () =>
      problem(503, 'temporarily_unavailable', { 'retry-after': '60' });
    await expect(client.refresh()).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      retryAfter: 60,
    });
  });

  it.each<[string, () => Response]>([
    ['503', () => problem(503, 'temporarily_unavailable')],
    ['500', () => problem(500, 'unexpected')],
    ['429', () => problem(429, 'too_many_attempts')],
    ['403', () => problem(403, 'origin_not_allowed')],
    ['a 401 of a proxy', () => new Response('<h1>Proxy login</h1>', { status: 401 })],
    ['a 200 of a proxy', () => new Response('<h1>Welcome to our café</h1>')],
    ['JSON of a proxy', () => Response.json({ error: 'nope' }, { status: 401 })],
    ['a malformed token', () => tokens('not a token')],
    ['an empty response', () => new Response(null, { status: 204 })],
  ])('ends no session because of %s', async (_, answer) => {
    await client.refresh();
    transport.answers['/auth/refresh'] = answer;
    expect(await failureOf(client.refresh())).toBeInstanceOf(Failure);
    expect(client.user?.id).toBe('mina');
    expect(changes).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['session_ended', 'session_ended'],
    ['refresh_token_invalid', 'refresh'],
  ])('determines that the user is logged out because of %s, with the reason %s', async (code, reason) => {
    transport.answers['/auth/refresh'] = () => problem(401, code);
    expect(await client.refresh()).toBeNull();
    expect(changes).toEqual([{ user: null, reason }]);
  });

  it('is retried with the new cookie when a login elsewhere has replaced the session', async () => {
    await client.refresh();
    transport.answers['/auth/refresh'] = inTurn(
      () => problem(401, 'session_ended', { 'retry-after': '1' }),
      () => tokens(tokenOf('mina', 'session-2')),
    );
    expect((await settled(client.refresh()))?.sessionId).toBe('session-2');
    expect(changes.map(({ reason }) => reason)).toEqual(['refresh', 'login']);
  });

  it('reports the end of the session once', async () => {
    await client.refresh();
    transport.answers['/auth/refresh'] = () => problem(401, 'session_ended');
    await client.refresh();
    await client.refresh();
    expect(changes.map(({ reason }) => reason)).toEqual(['refresh', 'session_ended']);
  });
});

describe('a client during an outage', () => {
  beforeEach(() => {
    transport.answers['/auth/refresh'] = lost;
  });

  it('can read public data', async () => {
    expect((await settled(client.fetch('/ok'))).status).toBe(200);
    expect(client.user).toBeUndefined();
  });

  it('fails on protected data without a change to logged out', async () => {
    transport.answers['/me'] = () => problem(401, 'access_token_missing');
    expect(await failureOf(client.fetch('/me'))).toMatchObject({ code: 'unreachable' });
  });

  it('determines the user after the outage without a request', async () => {
    await failureOf(client.refresh());
    transport.answers['/auth/refresh'] = () => tokens();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(client.user?.id).toBe('mina');
  });
});

describe('a token', () => {
  it('is renewed when a tenth to a fifth of its lifetime is left', async () => {
    const moments = new Set<number>();
    for (let round = 0; round < 20; round++) {
      await client.refresh();
      transport.take();
      let seconds = 0;
      while (transport.requests.length === 0) {
        await jest.advanceTimersByTimeAsync(1_000);
        seconds++;
      }
      moments.add(seconds);
    }
    expect(Math.min(...moments)).toBeGreaterThanOrEqual(480);
    expect(Math.max(...moments)).toBeLessThanOrEqual(541);
    expect(moments.size).toBeGreaterThan(5);
  });

  it('about to expire is renewed before the request, not after', async () => {
    await client.refresh();
    jest.setSystemTime(Date.now() + 599_000);
    transport.take();
    await client.fetch('/ok');
    expect(transport.take()).toEqual(['/auth/refresh', '/ok']);
  });

  it('is kept when the clock is set back', async () => {
    await client.refresh();
    jest.setSystemTime(Date.now() - 86_400_000);
    transport.take();
    await client.fetch('/ok');
    expect(transport.take()).toEqual(['/ok']);
  });

  it('is as old as the start of the request for it', async () => {
    transport.answers['/auth/refresh'] = async () => {
      await new Promise((resolve) => {
        setTimeout(resolve, 7_000);
      });
      return tokens(undefined, 20);
    };
    await settled(client.refresh());
    transport.take();
    await jest.advanceTimersByTimeAsync(12_000);
    void client.fetch('/ok');
    await jest.advanceTimersByTimeAsync(0);
    expect(transport.take()).toEqual(['/auth/refresh']);
  });
});

describe('a login', () => {
  it('returns the user', async () => {
    transport.answers['/auth/login'] = async (request) => {
      expect(await request.json()).toEqual({ email: 'mina@example.com', password: 'secret' });
      return tokens();
    };
    expect(await client.loginWithPassword('mina@example.com', 'secret')).toMatchObject({ id: 'mina' });
    expect(changes).toEqual([{ user: client.user, reason: 'login' }]);
  });

  it('works with a mailed token', async () => {
    transport.answers['/auth/verify-email'] = async (request) => {
      expect(await request.json()).toEqual({ token: 'from the mail' });
      return tokens();
    };
    expect(await client.loginWithMailToken('from the mail')).toMatchObject({ id: 'mina' });
  });

  it('reports the problem', async () => {
    const errors = [{ pointer: '/email', detail: 'must be an e-mail address' }];
    transport.answers['/auth/login'] = () =>
      Response.json({ code: 'validation_failed', errors }, { status: 400 });
    await expect(client.loginWithPassword('x', 'y')).rejects.toMatchObject({
      code: 'validation_failed',
      errors,
    });
  });

  it('reports the Retry-After', async () => {
    transport.answers['/auth/login'] = () => problem(429, 'too_many_attempts', { 'retry-after': '30' });
    await expect(client.loginWithPassword('x', 'y')).rejects.toMatchObject({ retryAfter: 30 });
  });

  it('is not retried automatically', async () => {
    transport.answers['/auth/login'] = lost;
    await expect(client.loginWithPassword('x', 'y')).rejects.toMatchObject({ code: 'unreachable' });
    expect(transport.take()).toEqual(['/auth/login']);
  });

  it('is not reverted by the response of a pending refresh', async () => {
    let answer: (response: Response) => void = () => {};
    transport.answers['/auth/refresh'] = inTurn(
      () => new Promise<Response>((resolve) => (answer = resolve)),
      () => tokens(tokenOf('duri', 'session-2')),
    );
    transport.answers['/auth/login'] = () => tokens(tokenOf('duri', 'session-2'));
    const refreshed = client.refresh();
    await client.loginWithPassword('duri@example.com', 'secret');
    answer(problem(401, 'refresh_token_invalid'));
    expect(await refreshed).toMatchObject({ id: 'duri' });
    expect(changes.every(({ user }) => user?.id === 'duri')).toBe(true);
  });
});

describe('a logout', () => {
  it('is retried after a lost response', async () => {
    await client.refresh();
    transport.answers['/auth/logout'] = inTurn(lost, () => new Response(null, { status: 204 }));
    await settled(client.logout());
    expect(changes.at(-1)).toEqual({ user: null, reason: 'logout' });
  });

  it('that does not reach the server has no effect', async () => {
    await client.refresh();
    transport.answers['/auth/logout'] = () => problem(503, 'temporarily_unavailable');
    expect(await failureOf(client.logout())).toMatchObject({ code: 'temporarily_unavailable' });
    expect(client.user?.id).toBe('mina');
  });
});

it('a removed listener is not called', async () => {
  const heard: Change[] = [];
  const stop = client.onChange((change) => heard.push(change));
  await client.refresh();
  stop();
  await client.refresh();
  expect([heard.length, changes.length]).toEqual([1, 2]);
});
