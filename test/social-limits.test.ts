import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser, loginErrorOf, type Page } from './support/browser.js';
import { type SocialApp, startSocialApp } from './support/social.js';

let app: SocialApp;

/** As a proxy that is trusted tells it. */
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

const many = <T>(times: number, of: T): T[] => Array.from({ length: times }, () => of);

/** Begins a log-in; the result comes back from Kakao with a code that it did not give. */
async function depart(address: string): Promise<() => Promise<Page>> {
  const who = new Browser(app.url);
  const { location = '' } = await who.request(`${app.url}/auth/kakao`);
  const state = new URL(location).searchParams.get('state');
  const callback = `${app.url}/auth/kakao/callback?code=x&state=${state}`;
  return () => who.request(callback, from(address), 'elsewhere');
}

async function comeBack(address: string): Promise<Page> {
  const back = await depart(address);
  return back();
}

/** Comes back so often at once from one client, and waits for the calls of as many as may make some. */
async function flood(times: number): Promise<{ readonly ended: Promise<Page[]> }> {
  const backs = await Promise.all(many(times, '198.51.100.7').map(depart));
  app.sandbox.clearRequests();
  const ended = Promise.all(backs.map((back) => back()));
  while (app.calls('token') < 16) await sleep(20);
  return { ended };
}

async function logIn(address: string): Promise<Page> {
  const who = new Browser(app.url);
  return who.request(await who.choose('mina', await who.goTo('kakao')), from(address), 'elsewhere');
}

/** What so many callbacks in a row are told. */
async function errorsOf(times: number, come: (n: number) => Promise<Page>) {
  const errors: (string | undefined)[] = [];
  for (let n = 0; n < times; n++) errors.push(loginErrorOf(await come(n)));
  return errors;
}

describe('callbacks at once', () => {
  beforeAll(async () => {
    app = await startSocialApp({ TRUST_PROXY: '1' });
  });
  afterAll(() => app.stop());
  afterEach(() => app.sandbox.clearFaults());

  it('make 16 calls of a provider at a time', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'hang' });
    const { ended } = await flood(100);
    await sleep(1_000);
    expect(app.calls('token')).toBe(16);
    expect((await ended).map(loginErrorOf)).toEqual(many(100, 'provider_unavailable'));
  });

  it('of one network leave turns to another one', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'slow', delayMs: 500 });
    const { ended } = await flood(100);
    expect(loginErrorOf(await logIn('203.0.113.9'))).toBeUndefined();
    await ended;
  });

  it('at one provider leave the others alone', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: 'slow', delayMs: 500 });
    const { ended } = await flood(100);
    const landing = await new Browser(app.url).logInWith('google', 'mina');
    expect(loginErrorOf(landing)).toBeUndefined();
    await ended;
  });
});

describe('callbacks that a provider refuses', () => {
  beforeAll(async () => {
    // 5 for a client, 15 for a site.
    app = await startSocialApp({ RATE_LIMIT_FACTOR: '0.05', TRUST_PROXY: '1' });
  });
  afterAll(() => app.stop());
  afterEach(() => app.sandbox.clearFaults());

  it('are limited for each client', async () => {
    app.sandbox.clearRequests();
    expect(await errorsOf(5, () => comeBack('198.51.100.7'))).toEqual(many(5, 'provider_rejected'));
    expect(loginErrorOf(await logIn('198.51.100.7'))).toBe('too_many_attempts');
    expect(app.calls('token')).toBe(5);
    expect(loginErrorOf(await logIn('198.51.100.8'))).toBeUndefined();
  });

  it('are limited for each site', async () => {
    const errors = await errorsOf(16, (n) => comeBack(`2001:db8:a:${n}::1`));
    expect(errors).toEqual([...many(15, 'provider_rejected'), 'too_many_attempts']);
    expect(loginErrorOf(await logIn('2001:db8:b::1'))).toBeUndefined();
  });

  it('are limited where the provider blames this installation', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: '403' });
    const errors = await errorsOf(6, () => comeBack('198.51.100.9'));
    expect(errors).toEqual([...many(5, 'provider_misconfigured'), 'too_many_attempts']);
  });

  it('do not include those that it confirms', async () => {
    expect(await errorsOf(6, () => logIn('198.51.100.10'))).toEqual(many(6, undefined));
  });

  it('do not include those that its outage fails', async () => {
    app.sandbox.fault({ provider: 'kakao', at: 'token', fault: '503' });
    expect(await errorsOf(6, () => comeBack('198.51.100.11'))).toEqual(many(6, 'provider_unavailable'));
  });
});
