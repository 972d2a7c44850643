import { isIP } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { HaProxy } from '../support/servers/haproxy.js';
import { Nginx } from '../support/servers/nginx.js';
import { describeWith } from '../support/programs.js';

/** Returns the client address in the log of a request with this header. */
async function clientOf(app: TestApp, forwardedFor?: string, url = app.url): Promise<string> {
  const headers: Record<string, string> =
    forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  const answer = await fetch(`${url}/nowhere`, { headers });
  await answer.text();
  const line = app.log.find(
    ({ reqId, msg }) => reqId === answer.headers.get('x-request-id') && msg === 'request',
  );
  return String(line?.['ip']);
}
/** The address of the test, which acts as the proxy. */
const PROXY = /^(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)$/;

describe.each([
  ['a number of hops', '1'],
  ['addresses', '127.0.0.1,::1'],
])('X-Forwarded-For behind a proxy trusted by %s', (_, TRUST_PROXY) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ TRUST_PROXY });
  });
  afterAll(() => app.stop());

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:40001', '203.0.113.7'],
    ['[2001:db8::9]:40001', '2001:db8::9'],
    ['[2001:db8::9]', '2001:db8::9'],
    ['2001:DB8:0::9', '2001:db8::9'],
    ['"[2001:db8::9]:40001"', '2001:db8::9'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:80', '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7:5', '203.0.113.7'],
    ['unknown, 203.0.113.7', '203.0.113.7'],
    [' \t203.0.113.7 ', '203.0.113.7'],
  ])('%s names the client %s', async (header, address) => {
    expect(await clientOf(app, header)).toBe(address);
  });

  it.each([
    'unknown',
    '_hidden',
    '203.0.113.7, unknown',
    '203.0.113.7,',
    '203.0.113.7:',
    '203.0.113.256',
    '203.0.113.7:1234567',
    '1',
    '0x7f.1',
    '[203.0.113.7]:80',
    'for=203.0.113.7',
    '203.0.113.7 198.51.100.1',
  ])('%s is invalid, and names the proxy as the client', async (header) => {
    expect(await clientOf(app, header)).toMatch(PROXY);
  });

  it('names as the client the address that the proxy appended to any header', async () => {
    const element = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.tuple(fc.ipV4(), fc.nat(65_535)).map(([address, port]) => `${address}:${port}`),
      fc.stringMatching(/^[!-~]{0,20}$/),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(element, { maxLength: 4 }), async (claimed) => {
        expect(await clientOf(app, [...claimed, '203.0.113.7:4'].join(','))).toBe('203.0.113.7');
      }),
      { numRuns: 60 },
    );
  });

  it('never yields anything but an address', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[ -~]{0,60}$/), async (header) => {
        expect(isIP(await clientOf(app, header))).not.toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

it('Forwarded (RFC 7239) is ignored', async () => {
  const app = await startApp({ TRUST_PROXY: '1' });
  const answer = await fetch(`${app.url}/nowhere`, { headers: { forwarded: 'for=203.0.113.7' } });
  await answer.text();
  const line = app.log.find(({ msg }) => msg === 'request');
  expect(line?.['ip']).toMatch(PROXY);
  await app.stop();
});

it('X-Forwarded-For is ignored without TRUST_PROXY', async () => {
  const app = await startApp();
  expect(await clientOf(app, '203.0.113.7')).toMatch(PROXY);
  await app.stop();
});

describe('X-Forwarded-For from an address outside TRUST_PROXY', () => {
  const warnings = ({ log }: TestApp) =>
    log.filter(
      ({ level, msg }) => level === 'warn' && String(msg).startsWith('X-Forwarded-For of an untrusted'),
    );

  it.each([
    ['TRUST_PROXY is not set', {}],
    ['TRUST_PROXY is none', { TRUST_PROXY: 'none' }],
    ['TRUST_PROXY names another proxy', { TRUST_PROXY: '192.0.2.1' }],
  ])('logs one warning when %s', async (_, env) => {
    const app = await startApp(env);
    await clientOf(app);
    expect(warnings(app)).toEqual([]);
    for (const address of ['203.0.113.7', '203.0.113.8']) await clientOf(app, address);
    expect(warnings(app)).toEqual([expect.objectContaining({ ip: expect.stringMatching(PROXY) })]);
    await app.stop();
  });

  it.each(['1', '127.0.0.1,::1'])('logs no warning with TRUST_PROXY=%s', async (TRUST_PROXY) => {
    const app = await startApp({ TRUST_PROXY });
    for (const header of ['203.0.113.7', '203.0.113.7:40001', 'unknown']) await clientOf(app, header);
    expect(warnings(app)).toEqual([]);
    await app.stop();
  });
});

describe('wrong passwords through a proxy that adds the source port', () => {
  it('are limited as attempts of one client (rate limit)', async () => {
    const app = await startApp({ TRUST_PROXY: '1', RATE_LIMIT_FACTOR: '1' });
    const statuses: number[] = [];
    for (let port = 40_000; port < 40_015; port++) {
      const answer = await fetch(`${app.url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.88:${port}` },
        body: JSON.stringify({ email: 'mina@example.com', password: 'not her password' }),
      });
      statuses.push(answer.status);
    }
    expect(new Set(statuses.slice(0, 10))).toEqual(new Set([401]));
    expect(statuses.slice(-1)).toEqual([429]);
    await app.stop();
  });
});

describeWith('nginx', 'behind nginx', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ TRUST_PROXY: '1' });
  });
  afterAll(() => app.stop());

  it.each(['$proxy_add_x_forwarded_for', '$remote_addr:$remote_port', '$remote_addr'])(
    'the client is the peer of nginx if nginx sends %s',
    async (value) => {
      const nginx = await Nginx.before(app.url, `proxy_set_header X-Forwarded-For "${value}";`);
      expect(await clientOf(app, '198.51.100.1', nginx.url)).toBe('127.0.0.1');
      await nginx.stop();
    },
  );
});

describeWith('haproxy', 'behind HAProxy', () => {
  it('the client is the peer of HAProxy', async () => {
    const app = await startApp({ TRUST_PROXY: '1' });
    const proxy = await HaProxy.start(
      (port) => `
defaults
  mode http
  option forwardfor
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend web
  bind 127.0.0.1:${port}
  default_backend daemun
backend daemun
  server daemun 127.0.0.1:${app.config.port}`,
    );
    expect(await clientOf(app, '198.51.100.1', `http://127.0.0.1:${proxy.port}`)).toBe('127.0.0.1');
    await proxy.stop();
    await app.stop();
  });
});
