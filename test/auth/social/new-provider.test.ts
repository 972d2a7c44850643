import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import OAuth2Strategy from 'passport-oauth2';
import { databaseOptions } from '../../../src/database/options.js';
import { AppModule } from '../../../src/app.module.js';
import type { ProviderDefinition } from '../../../src/auth/social/provider-definition.js';
import { Provider } from '../../../src/auth/social/provider.js';
import { PROVIDER_DEFINITIONS, PROVIDERS } from '../../../src/auth/social/providers.js';
import { nicknameOf, subjectOf } from '../../../src/auth/social/social-profile.js';
import { loadConfig } from '../../../src/config/config.js';
import { openTarget } from '../../../src/database/target.js';
import { configureHttp, createHttpAdapter } from '../../../src/http/http-adapter.js';
import { createLogger, nestLogger } from '../../../src/logging/logging.js';
import { Problem } from '../../../src/problems/problem.js';
import { accountIdOf, Browser, loginErrorOf } from '../../support/fixtures/browser.js';
import { freePorts } from '../../support/servers/ports.mjs';
import { TEMPLATE_DIR } from '../../support/fixtures/template.mjs';

/** The complete definition of a new provider. */
const daum: ProviderDefinition = {
  id: 'daum',
  name: 'Daum',
  defaultScope: 'openid name',
  endpoints: {
    authorize: 'https://login.daum.example/authorize',
    token: 'https://login.daum.example/token',
    profile: 'https://api.daum.example/me',
  },
  Strategy: OAuth2Strategy,
  errorCode: ({ error }) => error,
  errors: {},
  unlinkNotice: {
    methods: ['POST'],
    status: 204,
    read({ authorization, members }, { clientSecret }) {
      if (authorization !== `Bearer ${clientSecret?.reveal()}`) throw new Problem('forbidden');
      const subject = subjectOf(members.user);
      return subject === undefined ? undefined : { subject };
    },
  },
  mapProfile(profile) {
    const subject = subjectOf(profile.userId);
    if (subject === undefined) return undefined;
    return {
      provider: 'daum',
      subject,
      emailVerification: 'unsupported',
      nickname: nicknameOf(profile.name),
    };
  },
};

const dataDir = mkdtempSync(join(tmpdir(), 'daemun-test-'));
let daumServer: Server;
let answer: { token: RequestListener; profile: RequestListener };
let url: string;
/** The parameters of the last login. */
let nonce: string;
let stop: () => Promise<void>;

const json =
  (value: unknown, status = 200): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

beforeAll(async () => {
  daumServer = createServer((request, response) => {
    request.resume();
    answer[request.url === '/login.daum.example/token' ? 'token' : 'profile'](request, response);
  });
  await new Promise<void>((resolve) => daumServer.listen(0, '127.0.0.1', resolve));
  const [port] = await freePorts(1);
  cpSync(TEMPLATE_DIR, dataDir, { recursive: true });
  const config = loadConfig([...PROVIDERS, daum], {
    PORT: String(port),
    DATA_DIR: dataDir,
    OAUTH_SANDBOX_URL: `http://127.0.0.1:${(daumServer.address() as AddressInfo).port}`,
    DAUM_CLIENT_ID: 'daemun',
    DAUM_CLIENT_SECRET: 'secret of the test',
  });
  const logger = createLogger(config, { write: () => undefined });
  const target = await openTarget(config);
  const module = await Test.createTestingModule({
    imports: [AppModule.forRoot(config, databaseOptions(target))],
  })
    .overrideProvider(PROVIDER_DEFINITIONS)
    .useValue([...PROVIDERS, daum])
    .setLogger(nestLogger(logger))
    .compile();
  const http = createHttpAdapter(config, logger);
  const app = module.createNestApplication<NestFastifyApplication>(http, { bodyParser: false });
  await configureHttp(app, config);
  await app.listen(config.port, config.host);
  url = config.publicUrl;
  stop = async () => {
    await app.close();
    if ('embedded' in target) await target.embedded.close();
  };
});
afterAll(async () => {
  await stop();
  daumServer.closeAllConnections();
  daumServer.close();
  rmSync(dataDir, { recursive: true, force: true });
});
beforeEach(() => {
  answer = { token: json({ access_token: 'token' }), profile: json({ userId: 'u-1', name: '새사람' }) };
});

async function logIn(browser = new Browser(url)): Promise<string> {
  const start = await browser.request(`${url}/auth/daum`);
  nonce = new URL(start.location!).searchParams.get('nonce')!;
  const state = new URL(start.location!).searchParams.get('state')!;
  const page = await browser.request(`${url}/auth/daum/callback?code=c&state=${state}`, {}, 'elsewhere');
  return loginErrorOf(page) ?? 'logged in';
}

describe('a provider defined by one file and one line', () => {
  it('is listed after the other providers', async () => {
    const list = (await (await fetch(`${url}/auth/providers`)).json()) as unknown[];
    expect(list.at(-1)).toEqual({ id: 'daum', name: 'Daum', loginUrl: `${url}/auth/daum` });
  });

  it('is sent state, PKCE challenge, scope and redirect_uri', async () => {
    const start = await new Browser(url).request(`${url}/auth/daum`);
    expect(Object.fromEntries(new URL(start.location!).searchParams)).toEqual({
      client_id: 'daemun',
      response_type: 'code',
      redirect_uri: `${url}/auth/daum/callback`,
      scope: 'openid name',
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[0-9a-f-]{36}\.[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('is rejected at start if its strategy drops state or the PKCE challenge', async () => {
    class Careless extends OAuth2Strategy {
      constructor(options: OAuth2Strategy.StrategyOptions, verify: OAuth2Strategy.VerifyFunction) {
        super({ ...options, pkce: false, store: undefined }, verify);
      }
    }
    const definition = { ...daum, Strategy: Careless };
    const provider = new Provider(definition, { clientId: 'a', scope: [] }, 'https://a.example');
    await expect(provider.authorizationRequest('state')).rejects.toThrow(
      'does not send state and an S256 challenge',
    );
  });

  it('logs users in', async () => {
    const browser = new Browser(url);
    expect(await logIn(browser)).toBe('logged in');
    expect(await browser.accessToken()).toBeDefined();
  });
});

describe('the unlink webhook of a provider', () => {
  const send = (method: string, authorization: string, provider = 'daum') =>
    fetch(`${url}/auth/${provider}/unlinked`, {
      method,
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: method === 'GET' ? undefined : 'user=u-1',
    });

  it('ends the sessions of the user that it names, with the status of the definition', async () => {
    const browser = new Browser(url);
    await logIn(browser);
    expect((await send('POST', 'Bearer secret of the test')).status).toBe(204);
    expect(await browser.accessToken()).toBeUndefined();
  });

  it('refuses a notice that the definition refuses', async () => {
    const browser = new Browser(url);
    await logIn(browser);
    expect((await send('POST', 'Bearer guess')).status).toBe(403);
    expect(await browser.accessToken()).toBeDefined();
  });

  it.each([
    ['another method', 'GET', 'daum', 'not_found'],
    ['a provider without a webhook', 'POST', 'google', 'not_found'],
    ['an unknown provider', 'POST', 'unknown', 'provider_not_enabled'],
  ])('is not found for %s', async (_, method, provider, code) => {
    const answer = await send(method, 'Bearer secret of the test', provider);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code });
  });
});

describe('a provider response', () => {
  it.each([
    [
      'a body in another encoding',
      'provider_unavailable',
      Buffer.from('{"userId":"u-1","name":"\xe9"}', 'latin1'),
      {},
    ],
    [
      'a decompression bomb',
      'provider_unavailable',
      gzipSync(`{"a":"${'a'.repeat(1e7)}"}`),
      { 'content-encoding': 'gzip' },
    ],
    ['a broken compression', 'provider_unavailable', Buffer.from('{}'), { 'content-encoding': 'gzip' }],
    ['a byte order mark', 'logged in', Buffer.from('\ufeff{"userId":"u-1"}'), {}],
    ['no content type', 'logged in', Buffer.from('{"userId":"u-1"}'), {}],
    ['nothing', 'provider_unavailable', Buffer.from(''), {}],
  ])('with %s results in %s', async (_, outcome, body, headers) => {
    answer.profile = (_request, response) => void response.writeHead(200, headers).end(body);
    expect(await logIn()).toBe(outcome);
  });

  it.each([
    [400, { error: 'invalid_grant' }, 'provider_rejected'],
    [400, { error: 'nobody_knows' }, 'provider_rejected'],
    [400, { error: 'constructor' }, 'provider_rejected'],
    [400, { error: { nested: true } }, 'provider_rejected'],
    [400, { error: 'x\r\nforged: line' }, 'provider_rejected'],
    [401, { error: 'invalid_client' }, 'provider_misconfigured'],
    [400, { error: 'redirect_uri_mismatch' }, 'provider_misconfigured'],
    [200, { error: 'invalid_grant', access_token: 'token' }, 'provider_rejected'],
    [429, { error: 'slow_down' }, 'provider_unavailable'],
    [500, { error: 'invalid_client' }, 'provider_unavailable'],
    [200, { access_token: '' }, 'provider_unavailable'],
    [200, { access_token: 'a b' }, 'provider_unavailable'],
    [200, { access_token: 'a'.repeat(4_097) }, 'provider_unavailable'],
    [200, { access_token: 'a'.repeat(4_096) }, 'logged in'],
    [200, { access_token: 'AAAA+/x==' }, 'logged in'],
    [201, { access_token: 'token', expires_in: 'soon', refresh_token: { a: 1 }, id_token: 7 }, 'logged in'],
  ])('of the token endpoint is mapped to its outcome: %# (%i)', async (status, body, outcome) => {
    answer.token = json(body, status);
    expect(await logIn()).toBe(outcome);
  });

  it('of the token endpoint is never followed as a redirect: no code or verifier leaks', async () => {
    let followed = 0;
    answer.token = (_request, response) => void response.writeHead(307, { location: '/elsewhere' }).end();
    answer.profile = (request, response) => {
      followed += 1;
      json({ access_token: 'token' })(request, response);
    };
    expect([await logIn(), followed]).toEqual(['provider_unavailable', 0]);
  });

  it('that never ends results in provider_unavailable', async () => {
    answer.profile = (_request, response) => void response.writeHead(200).write('{"userId":');
    expect(await logIn()).toBe('provider_unavailable');
  });

  it('cut off within the headers results in provider_unavailable', async () => {
    answer.token = (request) => void request.socket.end('HTTP/1.1 200 OK\r\ncontent-');
    expect(await logIn()).toBe('provider_unavailable');
  });
});

describe('an id_token', () => {
  const unsigned = (claims: object): string =>
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;

  it.each([
    ['our nonce', () => unsigned({ nonce }), 'logged in'],
    ['the nonce of another transaction', () => unsigned({ nonce: 'another' }), 'login_attempt_invalid'],
    [
      'no nonce, as in a login that an attacker started',
      () => unsigned({ sub: 'u-1' }),
      'login_attempt_invalid',
    ],
    ['no readable token', () => 'not.a.token', 'logged in'],
  ])('has its nonce checked, given %s (%#)', async (_, idToken, outcome) => {
    answer.token = (request, response) =>
      json({ access_token: 'token', id_token: idToken() })(request, response);
    expect(await logIn()).toBe(outcome);
  });

  it('determines no identity: the userinfo response does', async () => {
    const otherUser = { sub: 'somebody-else', userId: 'somebody-else', id: 'somebody-else' };
    answer.token = (request, response) =>
      json({ access_token: 'token', id_token: unsigned({ nonce, ...otherUser }) })(request, response);
    const [one, other] = [new Browser(url), new Browser(url)];
    await logIn(one);
    answer.token = json({ access_token: 'token' });
    await logIn(other);
    expect(accountIdOf((await one.accessToken())!)).toBe(accountIdOf((await other.accessToken())!));
  });
});
