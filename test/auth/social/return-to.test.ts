import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Browser, loginErrorOf } from '../../support/fixtures/browser.js';
import { type SocialApp, startSocialApp } from '../../support/fixtures/social.js';

let app: SocialApp;
const WEB = ['http://localhost:5173', 'http://localhost:5174'] as const;
beforeAll(async () => {
  app = await startSocialApp({ WEB_ORIGINS: WEB.join(',') });
});
afterAll(() => app.stop());

/** Placeholder for the origin of the server, because its port is not known yet. */
const OWN = '<own origin>';
/** Spellings of a path that a router or a proxy may resolve to a path below `/auth/`. */
const BELOW_AUTH = [
  '/auth/naver',
  '/auth',
  '/auth/',
  '/auth/kakao/unlinked?a=b',
  '/AUTH/naver',
  '//auth/naver',
  '/./auth/naver',
  '/docs/../auth/naver',
  '/docs/%2e%2e/auth/naver',
  '/docs%2f..%2fauth%2fnaver',
  '/docs%252f..%252fauth/naver',
  '/%61uth/naver',
  '/%2561uth/naver',
  '/aut%68%2fnaver',
  '/auth;a=b/naver',
  '/auth%5cnaver',
];

/** Returns a letter in percent-encoding. */
const encoded = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`;

/** Fragments of known open-redirect attacks, for random combination. */
const TRICKS = [' ', '\t', '\u0000'].concat(
  '/ // \\ @ : ? # . .. %2f %5c %09 %00 http: https:// javascript: evil.example localhost:5173 [ ] | ＠ ／ 。 ⓔ'.split(
    ' ',
  ),
);

describe('returnTo', () => {
  it.each([
    ['/', `${WEB[0]}/`],
    ['/boards/free?sort=popular&q=a%20b#c', `${WEB[0]}/boards/free?sort=popular&q=a%20b#c`],
    ['/게시판?검색=봄', `${WEB[0]}/%EA%B2%8C%EC%8B%9C%ED%8C%90?%EA%B2%80%EC%83%89=%EB%B4%84`],
    ['/a/../b', `${WEB[0]}/b`],
    ['/search?q=a b', `${WEB[0]}/search?q=a%20b`],
    ['/?next=https://evil.example/', `${WEB[0]}/?next=https://evil.example/`],
    [WEB[0], `${WEB[0]}/`],
    [`${WEB[1]}/page`, `${WEB[1]}/page`],
    ['HTTP://LOCALHOST:5174/page', `${WEB[1]}/page`],
    ['/page?login_error=access_denied&a=1', `${WEB[0]}/page?a=1`],
  ])('%s redirects to %s', async (returnTo, location) => {
    const landing = await new Browser(app.url).logInWith('google', 'mina', returnTo);
    expect([landing.status, landing.location]).toEqual([303, location]);
  });

  it('may be a page of the server itself, such as Swagger UI', async () => {
    const landing = await new Browser(app.url).logInWith('google', 'mina', `${app.url}/docs`);
    expect(landing.location).toBe(`${app.url}/docs`);
  });

  it.each([
    [''],
    ['boards'],
    ['//evil.example'],
    ['///evil.example'],
    ['/\\evil.example'],
    ['\\\\evil.example'],
    ['/\t/evil.example'],
    ['/\n/evil.example'],
    [' /boards'],
    ['/a\u0000b'],
    ['https://evil.example'],
    ['http://evil.example:5173/'],
    ['https://localhost:5173/'],
    ['http://localhost:5173.evil.example/'],
    ['http://localhost:5173@evil.example/'],
    ['http://mina@localhost:5173/'],
    ['http://localhost:517/'],
    ['http:/evil.example'],
    ['http:evil.example'],
    ['http:///evil.example'],
    ['javascript:alert(1)'],
    ['data:text/html,x'],
    ['http://[::1'],
    [`/${'a'.repeat(1_024)}`],
    ...BELOW_AUTH.map((path) => [`${OWN}${path}`] as const),
  ])('%p is refused', async (returnTo) => {
    const answer = await new Browser(app.url).request(
      `${app.url}/auth/google?returnTo=${encodeURIComponent(returnTo.replace(OWN, app.url))}`,
    );
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([400, 'return_to_not_allowed']);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('is refused when it occurs twice', async () => {
    const answer = await fetch(`${app.url}/auth/google?returnTo=/a&returnTo=/b`, { redirect: 'manual' });
    expect(await answer.json()).toMatchObject({ status: 400, code: 'return_to_not_allowed' });
  });

  it('never redirects to another login', async () => {
    const spelled = (word: string) =>
      fc
        .tuple(
          ...word
            .split('')
            .map((letter) => fc.constantFrom(letter, letter, letter.toUpperCase(), encoded(letter))),
        )
        .map((letters) => letters.join(''));
    const slash = fc.constantFrom('/', '/', '//', '/./', '/docs/../', '%2f', '/%2e/', '/docs/%2e%2e/', '%5c');
    const paths = fc
      .tuple(slash, spelled('auth'), slash, spelled('naver'))
      .map((parts) => parts.join(''))
      .filter((path) => path.startsWith('/'));
    await fc.assert(
      fc.asyncProperty(paths, async (path) => {
        const browser = new Browser(app.url);
        const start = await browser.request(
          `${app.url}/auth/google?returnTo=${encodeURIComponent(app.url + path)}`,
        );
        if (start.status === 400) return;
        const state = new URL(start.location!).searchParams.get('state')!;
        const callback = `${app.url}/auth/google/callback?error=access_denied&state=${state}`;
        const landing = new URL((await browser.request(callback, {}, 'elsewhere')).location!);
        const answer = await browser.request(landing.href, {}, 'elsewhere');
        expect([200, 404]).toContain(answer.status);
        expect(answer.headers.getSetCookie()).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps its query and fragment when the login fails', async () => {
    const landing = await new Browser(app.url).logInWith('naver', 'cancel', '/a?b=%2B%20c&d#e');
    expect(landing.location).toBe(`${WEB[0]}/a?b=%2B%20c&d&login_error=access_denied#e`);
  });

  it('never redirects outside the allowed origins (open redirect), for any input', async () => {
    const piece = fc.constantFrom(...TRICKS);
    const wanted = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
    const origin = fc.constantFrom(
      ...WEB,
      'https://localhost:5173',
      'http://localhost:517',
      'http://localhost:5173.evil.example',
      'http://evil.example',
      'https://evil.example',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          wanted,
          wanted.map((rest) => `/${rest}`),
          fc.tuple(origin, fc.constantFrom('', '/'), wanted).map((parts) => parts.join('')),
        ),
        async (returnTo) => {
          const browser = new Browser(app.url);
          const start = await browser.request(
            `${app.url}/auth/google?returnTo=${encodeURIComponent(returnTo)}`,
          );
          if (start.status === 400) return;
          const state = new URL(start.location!).searchParams.get('state')!;
          const callback = `${app.url}/auth/google/callback?error=access_denied&state=${state}`;
          const landing = await browser.request(callback, {}, 'elsewhere');
          const raw = landing.headers.get('location')!;
          expect([...WEB, app.url]).toContain(new URL(raw).origin);
          expect(raw).toMatch(/^http:\/\/localhost:\d+\//);
          expect(loginErrorOf(landing)).toBe('access_denied');
        },
      ),
      { numRuns: 300 },
    );
  });
});
