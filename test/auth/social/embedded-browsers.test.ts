import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { json } from '../../support/fixtures/actors.js';
import { startChromium } from '../../support/servers/chromium.js';
import { describeWith } from '../../support/programs.js';
import { startSocialApp } from '../../support/fixtures/social.js';
import type { TestApp } from '../../support/fixtures/app.js';

const ANDROID =
  'Mozilla/5.0 (Linux; Android 14; SM-S921N Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';
const EMBEDDED: readonly (readonly [string, string])[] = [
  ['KakaoTalk on Android', `${ANDROID} KAKAOTALK/10.8.3 (INAPP)`],
  ['KakaoTalk on iOS', `${IPHONE} KAKAOTALK/10.8.5 (INAPP)`],
  ['NAVER', `${IPHONE} NAVER(inapp; search; 2000; 12.7.4)`],
  ['Instagram', `${IPHONE} Instagram 336.0.0.28.78`],
  ['LINE', `${IPHONE} Safari Line/14.9.0`],
  ['Facebook', `${IPHONE} [FBAN/FBIOS;FBAV/467.0.0.36.104;FBBV/604]`],
  ['Daum', `${ANDROID} DaumApps/1.0`],
  ['a WebView', ANDROID],
];
const ORDINARY: readonly (readonly [string, string])[] = [
  [
    'Chrome',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  ],
  [
    'Chrome on Android',
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
  ],
  [
    'Chrome on iOS',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1',
  ],
  [
    'Safari',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  ],
  [
    'Samsung Internet',
    'Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36',
  ],
  [
    'Whale',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Whale/3.26.244.21 Safari/537.36',
  ],
  ['Firefox', 'Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0'],
  [
    'Edge',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0',
  ],
  ['a program', 'curl/8.5.0'],
];

let app: TestApp;
beforeAll(async () => {
  app = await startSocialApp();
});
afterAll(() => app.stop());

interface Listed {
  readonly id: string;
  readonly openOutside?: true;
}
const providersIn = async (userAgent: string) => {
  const listed = await json<Listed[] & Record<string, unknown>>(
    fetch(`${app.url}/auth/providers`, { headers: { 'user-agent': userAgent } }),
  );
  return Object.fromEntries(listed.map(({ id, openOutside = false }) => [id, openOutside]));
};
const start = async (provider: string, userAgent: string) => {
  const answer = await fetch(`${app.url}/auth/${provider}?returnTo=/b/free`, {
    headers: { 'user-agent': userAgent },
    redirect: 'manual',
  });
  return `${answer.status} ${answer.headers.get('location') ?? ''}`;
};

describe.each(EMBEDDED)('the embedded browser of %s', (_, userAgent) => {
  it('is offered Google in the device browser, and the other providers as usual', async () => {
    expect(await providersIn(userAgent)).toEqual({ google: true, kakao: false, naver: false });
  });

  it('is redirected to the page instead of Google’s refusal page', async () => {
    expect(await start('google', userAgent)).toMatch(
      /^303 http\S+\/b\/free\?login_error=browser_not_supported$/,
    );
    expect(await start('kakao', userAgent)).toMatch(/^302 /);
  });
});

describe.each(ORDINARY)('%s', (_, userAgent) => {
  it('is offered every provider', async () => {
    expect(await providersIn(userAgent)).toEqual({ google: false, kakao: false, naver: false });
    expect(await start('google', userAgent)).toMatch(/^302 /);
  });
});

describeWith('chromium', 'the login page inside of an app', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());

  it.each([
    ['KakaoTalk', `${ANDROID} KAKAOTALK/10.8.3 (INAPP)`, /^kakaotalk:\/\/web\/openExternal\?url=http/],
    ['LINE', `${IPHONE} Safari Line/14.9.0`, /openExternalBrowser=1$/],
    ['an Android app', ANDROID, /^intent:\/\/.*#Intent;scheme=http;package=com\.android\.chrome;/],
  ])('opens the Google login in the device browser: %s', async (_, userAgent, href) => {
    const page = await browser.newPage({ userAgent, locale: 'ko-KR', viewport: { width: 390, height: 800 } });
    await page.goto(`${app.url}/login`);
    const link = page.getByRole('link', { name: /Google/ });
    expect(await link.getAttribute('href')).toMatch(href);
    await page.getByRole('button', { name: '카카오 로그인' }).waitFor();
    await page.close();
  });

  it('shows instructions if the app supports no URL for that', async () => {
    const page = await browser.newPage({ userAgent: `${IPHONE} Instagram 336.0.0.28.78`, locale: 'ko-KR' });
    await page.goto(`${app.url}/login`);
    await page.getByRole('button', { name: 'Google 로그인 주소 복사' }).waitFor();
    await page.getByText('다른 브라우저로 열기').waitFor();
    await page.close();
  });
});
