import { connect } from 'node:net';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.js';
import { codeFor, exchange, openDoor, tokensFor } from '../support/fixtures/sandbox-flow.js';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, smtpPort: 0 });
});
afterAll(() => sandbox.close());
afterEach(() => sandbox.clearFaults());

/** Sends a request with any Host header, which fetch does not allow. */
async function statusWithHost(host: string): Promise<number | undefined> {
  const [response] = (await once(request(sandbox.url, { headers: { host } }).end(), 'response')) as [
    { statusCode?: number; resume: () => void },
  ];
  response.resume();
  return response.statusCode;
}

describe('the start of the sandbox', () => {
  it('is refused in production', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    try {
      await expect(startSandbox({ port: 0, smtpPort: 0 })).rejects.toThrow('NODE_ENV=production');
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });

  it('is refused beyond the loopback interface', async () => {
    await expect(startSandbox({ port: 0, smtpPort: 0, host: '0.0.0.0' })).rejects.toThrow('loopback');
  });

  it('fails when its port is taken, and leaves no listener', async () => {
    const port = Number(new URL(sandbox.url).port);
    await expect(startSandbox({ port, smtpPort: 0 })).rejects.toThrow('EADDRINUSE');
  });

  it('fails when the mail port is taken', async () => {
    const smtpPort = Number(new URL(sandbox.smtpUrl).port);
    await expect(startSandbox({ port: 0, smtpPort })).rejects.toThrow('EADDRINUSE');
  });

  it('provides no provider if only the mail server is requested', async () => {
    const mailOnly = await startSandbox({ port: 0, smtpPort: 0, providers: false });
    try {
      expect((await openDoor(mailOnly, 'google')).status).toBe(404);
      expect((await fetch(`${mailOnly.url}/mailbox.json`)).status).toBe(200);
    } finally {
      await mailOnly.close();
    }
  });

  it('accepts configured credentials', async () => {
    const other = await startSandbox({ port: 0, smtpPort: 0, clientId: 'mine', clientSecret: 'hush' });
    try {
      const code = await codeFor(other, 'google', 'mina', { client_id: 'mine' });
      const answer = await exchange(other, 'google', code, { client_id: 'mine', client_secret: 'hush' });
      expect(answer.status).toBe(200);
    } finally {
      await other.close();
    }
  });
});

describe('the running sandbox', () => {
  it.each([
    [
      'a request target that is not a path',
      'GET http://elsewhere/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '400',
    ],
    ['a target with two slashes', 'GET //elsewhere/ HTTP/1.1\r\nHost: localhost\r\n\r\n', '400'],
    ['a broken escape', 'GET /%E0%A4%A HTTP/1.1\r\nHost: localhost\r\n\r\n', '404'],
  ])('answers %s and continues', async (_what, bytes, status) => {
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    socket.write(bytes);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString().split(' ')[1]).toBe(status);
    expect((await fetch(sandbox.url)).status).toBe(200);
  });

  it('closes connections that are not HTTP, and continues', async () => {
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    socket.write('\x16\x03\x01 this is TLS\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    expect((await fetch(sandbox.url)).status).toBe(200);
  });

  it('survives a client that disconnects within a body', async () => {
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    socket.write('POST /consent HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');
    await once(socket, 'connect');
    socket.resetAndDestroy();
    expect((await fetch(sandbox.url)).status).toBe(200);
  });

  it('refuses a body that is too large', async () => {
    const answer = await fetch(`${sandbox.url}/consent`, { method: 'POST', body: 'a'.repeat(5_000_000) });
    expect(answer.status).toBe(413);
  });

  it('closes while a response hangs', async () => {
    const closing = await startSandbox({ port: 0, smtpPort: 0 });
    closing.fault({ provider: 'google', at: 'token', fault: 'hang' });
    const hanging = exchange(closing, 'google', 'any').catch((error: unknown) => error);
    while (closing.requests().length === 0) await new Promise(setImmediate);
    await closing.close();
    expect(await hanging).toMatchObject({ message: 'fetch failed' });
  });
});

describe('sandbox pages', () => {
  it('forbid scripts, and allow the consent form to redirect', async () => {
    const policy = (await openDoor(sandbox, 'google')).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('form-action');
  });

  it('escape text of the request', async () => {
    const page = await openDoor(sandbox, 'google', {
      redirect_uri: 'http://a"><b>.example/auth/google/callback',
    });
    expect(await page.text()).not.toContain('<b>');
  });

  it('list the personas on the front page', async () => {
    expect(await (await fetch(sandbox.url)).text()).toContain('big-id-neighbour');
  });

  it('refuse a Host that is not loopback (DNS rebinding)', async () => {
    expect(await statusWithHost('rebound.example')).toBe(403);
    expect(await statusWithHost('localhost')).toBe(200);
  });
});

describe('the request journal', () => {
  it('lists the requests of each endpoint without secrets', async () => {
    sandbox.clearRequests();
    const { access_token: accessToken } = await tokensFor(sandbox, 'kakao');
    const [authorize, token] = sandbox.requests();
    expect(authorize).toMatchObject({ provider: 'kakao', endpoint: 'authorize', method: 'GET' });
    expect(token).toMatchObject({
      endpoint: 'token',
      path: '/kauth.kakao.com/oauth/token',
      values: { grant_type: 'authorization_code', redirect_uri: 'http://localhost:3000/auth/kakao/callback' },
      hasClientSecret: true,
      hasCodeVerifier: true,
      hasAuthorizationHeader: false,
      accessTokenInQuery: false,
    });
    expect(token?.formNames).toContain('code');
    const everything = JSON.stringify(sandbox.requests());
    expect(everything).not.toContain('sandbox-secret');
    expect(everything).not.toContain(accessToken);
  });

  it('reports a token in the query', async () => {
    sandbox.clearRequests();
    await fetch(`${sandbox.url}/openapi.naver.com/v1/nid/me?access_token=abc`);
    expect(sandbox.requests()[0]).toMatchObject({ accessTokenInQuery: true, hasAuthorizationHeader: false });
  });
});
