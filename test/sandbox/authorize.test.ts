import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.js';
import {
  callbackOf,
  codeFor,
  consent,
  exchange,
  handleOf,
  openDoor,
  press,
  type Road,
} from '../support/fixtures/sandbox-flow.js';

let now = Date.UTC(2026, 10, 24);
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, smtpPort: 0, clock: () => now });
});
afterAll(() => sandbox.close());

const EVERY_ROAD: Road[] = ['google', 'kakao', 'naver', 'naver-oidc'];

describe.each(EVERY_ROAD)('the authorization endpoint of %s', (road) => {
  it('shows one form with a button per persona and one to cancel', async () => {
    const page = await (await openDoor(sandbox, road)).text();
    expect(page.match(/<form /g)).toHaveLength(1);
    expect(page).toContain('name="persona" value="mina"');
    expect(page).toContain('name="persona" value="cancel"');
    expect(page).not.toContain('<script');
  });

  it('says that it is not the real provider', async () => {
    expect(await (await openDoor(sandbox, road)).text()).toContain('not the real');
  });

  it('redirects back with a code and the state', async () => {
    const back = await consent(sandbox, road);
    expect(back.origin + back.pathname).toBe(callbackOf(road));
    expect(back.searchParams.get('state')).toBe('the state');
    expect(back.searchParams.get('code')).toBeTruthy();
  });

  it('accepts each consent form once', async () => {
    const handle = handleOf(await (await openDoor(sandbox, road)).text());
    expect((await press(sandbox, handle, 'mina')).status).toBe(302);
    expect((await press(sandbox, handle, 'mina')).status).toBe(400);
  });

  it.each([
    ['an unknown client', { client_id: 'somebody' }],
    ['a callback of another path', { redirect_uri: 'http://localhost:3000/elsewhere' }],
    ['a callback that is no web address', { redirect_uri: `javascript:/auth/${road}/callback` }],
    ['a callback with a query', { redirect_uri: `${callbackOf(road)}?next=1` }],
    ['no state', { state: undefined }],
    ['another response type', { response_type: 'token' }],
    ['a plain challenge', { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }],
  ])('shows an error page without a redirect for %s', async (_what, changes) => {
    const answer = await openDoor(sandbox, road, changes);
    expect([400, 401]).toContain(answer.status);
    expect(answer.headers.get('location')).toBeNull();
    expect(await answer.text()).not.toContain('<form');
  });

  it('shows an error page without a redirect for a repeated parameter', async () => {
    const twice = new URL((await openDoor(sandbox, road)).url);
    twice.searchParams.append('state', 'another');
    expect((await fetch(twice)).status).toBe(400);
  });

  it('refuses an unknown persona', async () => {
    const handle = handleOf(await (await openDoor(sandbox, road)).text());
    expect((await press(sandbox, handle, 'user-UPPER')).status).toBe(400);
  });
});

it.each<Road>(['google', 'kakao', 'naver-oidc'])(
  '%s requires PKCE at the authorization endpoint',
  async (road) => {
    const answer = await openDoor(sandbox, road, {
      code_challenge: undefined,
      code_challenge_method: undefined,
    });
    expect(answer.status).toBe(400);
  },
);

it('classic Naver works without PKCE', async () => {
  expect((await openDoor(sandbox, 'naver')).status).toBe(200);
});

describe('cancelling the consent', () => {
  it.each<[Road, string]>([
    ['google', '?error=access_denied&state=the%20state'],
    ['kakao', '?error=access_denied&error_description=User%20denied%20access&state=the%20state'],
    ['naver', '?error=access_denied&error_description=Canceled+By+User&state=the+state'],
    ['naver-oidc', '?error=access_denied&error_description=Canceled+By+User&state=the+state'],
  ])('redirects with the error of %s', async (road, query) => {
    expect((await consent(sandbox, road, 'cancel')).search).toBe(query);
  });
});

describe('the error pages', () => {
  it.each<[Road, string, Record<string, string>]>([
    ['google', 'Error 400: redirect_uri_mismatch', { redirect_uri: 'http://localhost:3000/x' }],
    ['google', 'Error 401: invalid_client', { client_id: 'x' }],
    ['google', 'Error 400: invalid_scope', { scope: 'openid drive' }],
    ['kakao', 'KOE006', { redirect_uri: 'http://localhost:3000/x' }],
    ['kakao', 'KOE101', { client_id: 'x' }],
    ['kakao', 'KOE205', { scope: 'phone_number' }],
    ['naver', 'unauthorized_client', { client_id: 'x' }],
    ['naver-oidc', 'invalid_scope', { scope: 'openid email' }],
    ['naver-oidc', 'invalid_scope', { scope: 'profile' }],
  ])('of %s contain %s', async (road, text, changes) => {
    expect(await (await openDoor(sandbox, road, changes)).text()).toContain(`>${text}<`);
  });
});

describe('provider-specific behavior', () => {
  it('of Google: iss and scope in the callback', async () => {
    const { searchParams } = await consent(sandbox, 'google');
    expect(searchParams.get('iss')).toBe('https://accounts.google.com');
    expect(searchParams.get('scope')).toContain('https://www.googleapis.com/auth/userinfo.email');
    expect(searchParams.get('authuser')).toBe('0');
    expect(searchParams.get('prompt')).toBe('consent');
    expect(searchParams.get('hd')).toBeNull();
  });

  it('of Google: the hosted domain (hd) of a managed account in the callback', async () => {
    expect((await consent(sandbox, 'google', 'workspace')).searchParams.get('hd')).toBe('company.example');
  });

  it('of Kakao: prompt=none is answered without a page', async () => {
    const answer = await openDoor(sandbox, 'kakao', { prompt: 'none' });
    expect(answer.headers.get('location')).toBe(
      `${callbackOf('kakao')}?error=consent_required&error_description=user%20consent%20required.&state=the%20state`,
    );
  });

  it.each(['account_email profile_nickname', 'account_email,profile_nickname'])(
    'of Kakao: scopes are accepted as %s',
    async (scope) => {
      expect((await openDoor(sandbox, 'kakao', { scope })).status).toBe(200);
    },
  );
});

describe('expiry', () => {
  it('of a code is after 60 seconds', async () => {
    const [inTime, late] = [await codeFor(sandbox, 'google'), await codeFor(sandbox, 'google')];
    now += 59_000;
    expect((await exchange(sandbox, 'google', inTime)).status).toBe(200);
    now += 1000;
    expect((await exchange(sandbox, 'google', late)).status).toBe(400);
  });

  it('of a consent page is after ten minutes', async () => {
    const handle = handleOf(await (await openDoor(sandbox, 'google')).text());
    now += 600_000;
    expect((await press(sandbox, handle, 'mina')).status).toBe(400);
  });
});
