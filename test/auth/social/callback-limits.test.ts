import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser, loginErrorOf, type Page } from '../../support/fixtures/browser.js';
import { type SocialApp, startSocialApp } from '../../support/fixtures/social.js';

let app: SocialApp;

/** The forwarded address as a trusted proxy sends it. */
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

const many = <T>(times: number, of: T): T[] => Array.from({ length: times }, () => of);

/** Starts a login. Returns a function that follows the callback from Kakao with a wrong code. */
async function startLogin(address: string): Promise<() => Promise<Page>> {
  const browser = new Browser(app.url);
  const { location = '' } = await browser.request(`${app.url}/auth/kakao`);
  const state = new URL(location).searchParams.get('state');
  const callback = `${app.url}/auth/kakao/callback?code=x&state=${state}`;
  return () => browser.request(callback, from(address), 'elsewhere');
}

async function sendCallback(address: string): Promise<Page> {
  const back = await startLogin(address);
  return back();
}

/** Sends the callbacks of these clients in parallel, and waits until this number of them call the provider. */
async function sendCallbacks(
  addresses: readonly string[],
  calls: number,
): Promise<{ readonly ended: Promise<Page[]> }> {
  const backs = await Promise.all(addresses.map(startLogin));
  app.sandbox.clearRequests();
  const ended = Promise.all(backs.map((back) => back()));
  while (app.calls('token') < calls) await sleep(20);
  return { ended };
}

const flood = () => sendCallbacks(many(100, '198.51.100.7'), 16);

async function logIn(address: string): Promise<Page> {
  const browser = new Browser(app.url);
  return browser.request(
    await browser.choose('mina', await browser.goTo('kakao')),
    from(address),
    'elsewhere',
  );
}

/** Returns the login errors of this number of callbacks in sequence. */
async function errorsOf(times: number, send: (n: number) => Promise<Page>) {
  const errors: (string | undefined)[] = [];
  for (let n = 0; n < times; n++) errors.push(loginErrorOf(await send(n)));
  return errors;
}

describe('parallel callbacks', () => {
  beforeAll(async () => {
    app = await startSocialApp({ TRUST_PROXY: '1' });
  });
  afterAll(() => app.stop());
  afterEach(() => app.sandbox.clearFaults());

  it('make at most 16 calls of a provider at a time (bulkhead)', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'hang' });
    const { ended } = await flood();
    await sleep(1_000);
    expect(app.calls('token')).toBe(16);
    expect((await ended).map(loginErrorOf)).toEqual(many(100, 'provider_unavailable'));
  });

  it('of one network leave slots to another network', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'slow', delayMs: 500 });
    const { ended } = await flood();
    expect(loginErrorOf(await logIn('203.0.113.9'))).toBeUndefined();
    app.sandbox.clearFaults();
    await ended;
  });

  it('of one provider do not delay another provider', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'slow', delayMs: 500 });
    const { ended } = await flood();
    const landing = await new Browser(app.url).logInWith('google', 'mina');
    expect(loginErrorOf(landing)).toBeUndefined();
    app.sandbox.clearFaults();
    await ended;
  });
});

describe('callbacks that a provider refuses', () => {
  beforeAll(async () => {
    // 5 per client, 15 per site.
    app = await startSocialApp({ RATE_LIMIT_FACTOR: '0.05', TRUST_PROXY: '1' });
  });
  afterAll(() => app.stop());
  afterEach(() => app.sandbox.clearFaults());

  /** Returns the number of parallel provider calls of three callbacks. */
  async function callsAtOnce(addresses: readonly string[], expected: number): Promise<number> {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'slow', delayMs: 1_000 });
    const { ended } = await sendCallbacks(addresses, expected);
    await sleep(300);
    const calls = app.calls('token');
    app.sandbox.clearFaults();
    await ended;
    return calls;
  }

  it('limit their client to one provider call at a time', async () => {
    expect(await errorsOf(5, () => sendCallback('198.51.100.7'))).toEqual(many(5, 'provider_rejected'));
    expect(await callsAtOnce(many(3, '198.51.100.7'), 1)).toBe(1);
  });

  it('do not limit other clients of the same site', async () => {
    await errorsOf(5, () => sendCallback('198.51.100.8'));
    expect(loginErrorOf(await logIn('198.51.100.8'))).toBeUndefined();
  });

  it('limit their site to one provider call at a time', async () => {
    await errorsOf(15, (n) => sendCallback(`2001:db8:a:${n}::1`));
    expect(await callsAtOnce(['2001:db8:a:a1::1', '2001:db8:a:a2::1', '2001:db8:a:a3::1'], 1)).toBe(1);
  });

  it('count also if the provider blames the client credentials', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: '403' });
    expect(await errorsOf(5, () => sendCallback('198.51.100.9'))).toEqual(many(5, 'provider_misconfigured'));
    expect(await callsAtOnce(many(3, '198.51.100.9'), 1)).toBe(1);
  });

  it('do not include callbacks that succeed', async () => {
    await errorsOf(5, () => logIn('198.51.100.10'));
    expect(await callsAtOnce(many(3, '198.51.100.10'), 3)).toBe(3);
  });

  it('do not include callbacks during an outage of the provider', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: '503' });
    expect(await errorsOf(5, () => sendCallback('198.51.100.11'))).toEqual(many(5, 'provider_unavailable'));
    expect(await callsAtOnce(many(3, '198.51.100.11'), 3)).toBe(3);
  });
});
