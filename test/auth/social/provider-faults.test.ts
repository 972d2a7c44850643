import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { FAULT_KINDS, type FaultKind } from '../../../sandbox/faults/send.js';
import { accountIdOf, Browser, loginErrorOf } from '../../support/fixtures/browser.js';
import { type SocialApp, startSocialApp } from '../../support/fixtures/social.js';

let app: SocialApp;
beforeAll(async () => {
  app = await startSocialApp();
});
afterAll(() => app.stop());
afterEach(() => app.sandbox.clearFaults());

const PROVIDERS = ['google', 'kakao', 'naver'] as const;
/** Codes and states of the faulty logins below. The log must not contain them. */
const secrets: string[] = [];

async function logIn(provider: string, persona: string, browser = new Browser(app.url)) {
  const url = await browser.choose(persona, await browser.goTo(provider, '/page'));
  const { searchParams } = new URL(url);
  secrets.push(searchParams.get('code')!, searchParams.get('state')!);
  return browser.request(url, {}, 'elsewhere');
}

async function expectAlive(): Promise<void> {
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
}

async function countAccounts(): Promise<number> {
  const [row] = await app.database.query('SELECT count(*)::int AS n FROM auth.accounts');
  return row.n;
}

/** The login error of each fault at the token and at the userinfo endpoint. Undefined if the login succeeds. */
const OUTCOMES: Record<
  Exclude<FaultKind, 'hang'>,
  [token: string | undefined, profile: string | undefined]
> = {
  reset: ['provider_unavailable', 'provider_unavailable'],
  slow: [undefined, undefined],
  truncate: ['provider_unavailable', 'provider_unavailable'],
  'split-utf8': [undefined, undefined],
  huge: ['provider_unavailable', 'provider_unavailable'],
  'form-encoded': ['provider_unavailable', 'provider_unavailable'],
  redirect: ['provider_unavailable', 'provider_unavailable'],
  'crlf-token': ['provider_unavailable', undefined],
  'object-token': ['provider_unavailable', undefined],
  'missing-token': ['provider_unavailable', undefined],
  'id-null': [undefined, 'provider_unavailable'],
  'id-empty': [undefined, 'provider_unavailable'],
  'id-object': [undefined, 'provider_unavailable'],
  'proto-keys': [undefined, undefined],
  'duplicate-keys': [undefined, undefined],
  null: ['provider_unavailable', 'provider_unavailable'],
  array: ['provider_unavailable', 'provider_unavailable'],
  'empty-object': ['provider_unavailable', 'provider_unavailable'],
  'bad-json': ['provider_unavailable', 'provider_unavailable'],
  'error-200': ['provider_unavailable', 'provider_unavailable'],
  html: ['provider_unavailable', 'provider_unavailable'],
  '401': ['provider_rejected', 'provider_rejected'],
  '403': ['provider_misconfigured', 'provider_misconfigured'],
  '500': ['provider_unavailable', 'provider_unavailable'],
  '503': ['provider_unavailable', 'provider_unavailable'],
};
const CASES = Object.entries(OUTCOMES).flatMap(([fault, [token, profile]]) => [
  { fault: fault as FaultKind, at: 'token' as const, told: token },
  { fault: fault as FaultKind, at: 'profile' as const, told: profile },
]);

it('every fault of the sandbox has an outcome in this table', () => {
  expect([...Object.keys(OUTCOMES), 'hang'].toSorted()).toEqual([...FAULT_KINDS].toSorted());
});

describe.each(PROVIDERS)('%s', (provider) => {
  it.each(CASES)('with the fault "$fault" at its $at endpoint: $told', async ({ fault, at, told }) => {
    const before = await countAccounts();
    app.sandbox.fault({ provider, at, fault, delayMs: 200 });
    const browser = new Browser(app.url);
    const page = await logIn(provider, `user-${fault}-${at}`, browser);
    expect([page.status, loginErrorOf(page)]).toEqual([303, told]);
    expect(page.location).toMatch(`${app.url}/page`);
    expect((await browser.accessToken()) === undefined).toBe(told !== undefined);
    expect((await countAccounts()) - before).toBe(told === undefined ? 1 : 0);
    await expectAlive();
  });

  it('is not asked for a profile after a refused token request', async () => {
    app.sandbox.fault({ provider, at: 'token', fault: 'error-200' });
    app.sandbox.clearRequests();
    await logIn(provider, 'mina');
    expect(app.calls('profile')).toBe(0);
  });

  it('refuses a code that was already used (replay)', async () => {
    const [first, second] = [new Browser(app.url), new Browser(app.url)];
    const used = new URL(await first.choose('mina', await first.goTo(provider)));
    await first.request(used.href, {}, 'elsewhere');
    const stolen = new URL(await second.choose('mina', await second.goTo(provider)));
    stolen.searchParams.set('code', used.searchParams.get('code')!);
    secrets.push(used.searchParams.get('code')!);
    expect(loginErrorOf(await second.request(stolen.href, {}, 'elsewhere'))).toBe('provider_rejected');
  });

  it('refuses the code of another user: it belongs to another PKCE challenge or state', async () => {
    const [thief, owner] = [new Browser(app.url), new Browser(app.url)];
    const owned = new URL(await owner.choose('mina', await owner.goTo(provider)));
    const injected = new URL(await thief.choose('jun', await thief.goTo(provider)));
    injected.searchParams.set('code', owned.searchParams.get('code')!);
    expect(loginErrorOf(await thief.request(injected.href, {}, 'elsewhere'))).toBe('provider_rejected');
  });
});

it('a provider response decodes a Korean name that arrives in two chunks', async () => {
  for (const provider of PROVIDERS) {
    app.sandbox.fault({ provider, at: 'profile', fault: 'split-utf8' });
    const browser = new Browser(app.url);
    await logIn(provider, 'mina', browser);
    const [profile] = await app.database.query(
      'SELECT nickname FROM profile.profiles WHERE account_id = $1',
      [accountIdOf((await browser.accessToken())!)],
    );
    expect([provider, profile.nickname]).toEqual([provider, '김미나']);
  }
});

it('a provider outage is logged once, and then only by the number of failed logins', async () => {
  const persona = 'user-many-times-away';
  app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'reset' });
  await logIn('kakao', persona);
  const before = app.log.length;
  for (let i = 0; i < 3; i++)
    expect(loginErrorOf(await logIn('kakao', persona))).toBe('provider_unavailable');
  expect(app.log.slice(before).filter(({ loginError }) => loginError !== undefined)).toEqual([]);
});

it('a hanging provider is given up after five seconds, and delays no other request', async () => {
  const began = Date.now();
  for (const provider of PROVIDERS) app.sandbox.fault({ provider, at: 'token', fault: 'hang', times: 1 });
  const first = await Promise.all(
    PROVIDERS.map(async (provider) => {
      const browser = new Browser(app.url);
      const url = await browser.choose('mina', await browser.goTo(provider));
      return browser.request(url, {}, 'elsewhere');
    }),
  );
  expect(first.map(loginErrorOf)).toEqual(Array.from({ length: 3 }, () => 'provider_unavailable'));
  expect(Date.now() - began).toBeLessThan(8_000);
  app.sandbox.fault({ provider: 'kakao', at: 'profile', fault: 'hang', times: 1 });
  const waiting = logIn('kakao', 'mina');
  expect(loginErrorOf(await logIn('naver', 'mina'))).toBeUndefined();
  expect(loginErrorOf(await waiting)).toBe('provider_unavailable');
  await expectAlive();
});

it('the log never contains a code, state, token, secret or the text of an error', () => {
  const text = JSON.stringify(app.log);
  expect(secrets.length).toBeGreaterThan(300);
  for (const secret of [...secrets, 'ya29.', 'sandbox-secret', 'sandbox fault', 'not found for', 'injected'])
    expect(text).not.toContain(secret);
});

it('provider responses leave every prototype unchanged', () => {
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});
