import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { FAULT_KINDS, type FaultKind } from '../../sandbox/faults/send.js';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.js';
import {
  codeFor,
  exchange,
  profile,
  profileText,
  ROADS,
  type Road,
  tokensFor,
} from '../support/fixtures/sandbox-flow.js';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, smtpPort: 0 });
});
afterAll(() => sandbox.close());
afterEach(() => sandbox.clearFaults());

/** Returns Mina's profile through a fault. */
async function faultyProfile(road: Road, fault: FaultKind): Promise<Response> {
  const { access_token: token } = await tokensFor(sandbox, road);
  sandbox.fault({ provider: ROADS[road].provider, at: 'profile', fault });
  return profile(sandbox, road, token);
}

/** Returns a token response through a fault. */
async function faultyToken(road: Road, fault: FaultKind): Promise<Response> {
  const code = await codeFor(sandbox, road);
  sandbox.fault({ provider: ROADS[road].provider, at: 'token', fault });
  return exchange(sandbox, road, code);
}

/** Returns the head of the profile response, by node:http, which exposes the chunks as they arrive. */
async function openProfile(road: Road, token: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${token}` };
  const [answer] = (await once(
    request(sandbox.url + ROADS[road].profile, { headers }).end(),
    'response',
  )) as [IncomingMessage];
  return answer;
}

describe('responses with a wrong body or status', () => {
  it.each<[FaultKind, number, string]>([
    ['null', 200, 'null'],
    ['array', 200, '[]'],
    ['empty-object', 200, '{}'],
    ['bad-json', 200, '{"access_token": "abc", "id": 1,'],
  ])('with the fault %s have its body', async (fault, status, body) => {
    const answer = await faultyProfile('google', fault);
    expect([answer.status, await answer.text()]).toEqual([status, body]);
  });

  it('with the fault html are HTML', async () => {
    const answer = await faultyProfile('naver', 'html');
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(await answer.text()).toContain('<h1>');
  });

  it.each<FaultKind>(['401', '403', '500', '503'])('with the fault %s have its status', async (fault) => {
    expect((await faultyProfile('kakao', fault)).status).toBe(Number(fault));
  });

  it('with the fault error-200 have status 200', async () => {
    const answer = await faultyToken('google', 'error-200');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toHaveProperty('error', 'server_error');
  });

  it('with the fault redirect have the genuine response as their body', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'naver');
    sandbox.fault({ provider: 'naver', at: 'profile', fault: 'redirect' });
    const answer = await fetch(sandbox.url + ROADS.naver.profile, {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'manual',
    });
    expect(answer.status).toBe(302);
    expect(await answer.text()).toContain('김미나');
  });
});

describe('faulty token responses', () => {
  it('are form-encoded', async () => {
    const answer = await faultyToken('google', 'form-encoded');
    expect(answer.headers.get('content-type')).toBe('application/x-www-form-urlencoded');
    expect(new URLSearchParams(await answer.text()).get('access_token')).toMatch(/^ya29/);
  });

  it.each<[FaultKind, unknown]>([
    ['crlf-token', 'token\r\nx-injected: yes'],
    ['object-token', { a: 1 }],
    ['missing-token', undefined],
  ])('have the fault %s', async (fault, token) => {
    const body = (await (await faultyToken('kakao', fault)).json()) as Record<string, unknown>;
    expect(body['access_token']).toEqual(token);
    expect(body).toHaveProperty('token_type');
  });
});

describe.each<Road>(['google', 'kakao', 'naver'])('faulty profiles of %s', (road) => {
  it.each<[FaultKind, unknown]>([
    ['id-null', null],
    ['id-empty', ''],
    ['id-object', { a: 1 }],
  ])('have the fault %s', async (fault, subject) => {
    const body = (await (await faultyProfile(road, fault)).json()) as Record<string, unknown>;
    const inner = (body['response'] ?? body) as Record<string, unknown>;
    expect('sub' in inner ? inner['sub'] : inner['id']).toEqual(subject);
  });

  it('have prototype keys', async () => {
    expect(await (await faultyProfile(road, 'proto-keys')).text()).toMatch(
      /^\{"__proto__":\{"polluted":true\},/,
    );
  });

  it('have duplicate keys, the genuine member last', async () => {
    const honest = JSON.parse(await profileText(sandbox, road, 'mina')) as object;
    const text = await (await faultyProfile(road, 'duplicate-keys')).text();
    expect(text).toMatch(/^\{"access_token":"first","sub":"first","id":1,"response":\{"id":"first"\},/);
    expect(JSON.parse(text)).toMatchObject(honest);
  });
});

describe('connection faults', () => {
  it('hang never responds', async () => {
    sandbox.clearRequests();
    sandbox.fault({ provider: 'google', at: 'token', fault: 'hang' });
    const code = await codeFor(sandbox, 'google');
    let isAnswered = false;
    void exchange(sandbox, 'google', code)
      .then(() => (isAnswered = true))
      .catch(() => undefined);
    while (!sandbox.requests().some(({ endpoint }) => endpoint === 'token')) await new Promise(setImmediate);
    // Another complete login runs while this one waits.
    await tokensFor(sandbox, 'kakao');
    expect(isAnswered).toBe(false);
  });

  it('reset ends the connection', async () => {
    await expect(faultyProfile('google', 'reset')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  });

  it('slow responds correctly after the delay', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'google');
    sandbox.fault({ provider: 'google', at: 'profile', fault: 'slow', delayMs: 120 });
    const start = performance.now();
    expect((await profile(sandbox, 'google', token)).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(110);
  });

  it('truncate sends complete JSON with a larger Content-Length', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'google');
    sandbox.fault({ provider: 'google', at: 'profile', fault: 'truncate' });
    const answer = await openProfile('google', token);
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [error] = (await once(answer, 'error').catch((cause: unknown) => [cause])) as [Error];
    expect(error.message).toBe('aborted');
    const received = Buffer.concat(chunks);
    expect(JSON.parse(received.toString())).toHaveProperty('name', '김미나');
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(received.length);
  });

  it('split-utf8 cuts a character between two chunks', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'naver');
    sandbox.fault({ provider: 'naver', at: 'profile', fault: 'split-utf8' });
    const chunks: Buffer[] = [];
    for await (const chunk of (await openProfile('naver', token)) as AsyncIterable<Buffer>)
      chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toContain('"nickname":"김미나"');
    expect(chunks.map((chunk) => chunk.toString()).join('')).not.toContain('"nickname":"김미나"');
  });

  it('huge streams without end, and survives a client that disconnects', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao');
    sandbox.fault({ provider: 'kakao', at: 'profile', fault: 'huge', times: 1 });
    const answer = await openProfile('kakao', token);
    let size = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > 2 * 1024 * 1024) break;
    }
    expect(size).toBeGreaterThan(2 * 1024 * 1024);
    expect((await profile(sandbox, 'kakao', token)).status).toBe(200);
  });
});

describe('a fault', () => {
  it('with a count ends by itself', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'google');
    sandbox.fault({ provider: 'google', at: 'profile', fault: '503', times: 2 });
    const statuses = [];
    for (let round = 0; round < 3; round++) statuses.push((await profile(sandbox, 'google', token)).status);
    expect(statuses).toEqual([503, 503, 200]);
  });

  it('affects one provider and one endpoint', async () => {
    sandbox.fault({ provider: 'google', at: 'profile', fault: '503' });
    expect((await exchange(sandbox, 'google', await codeFor(sandbox, 'google'))).status).toBe(200);
    expect(await profileText(sandbox, 'kakao', 'mina')).toContain('김미나');
  });

  it('prevents the effect of the endpoint that it replaces', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'user-kept');
    sandbox.fault({ provider: 'kakao', at: 'unlink', fault: '503', times: 1 });
    const unlink = (): Promise<Response> =>
      fetch(`${sandbox.url}/kapi.kakao.com/v1/user/unlink`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await unlink()).status).toBe(503);
    expect((await profile(sandbox, 'kakao', token)).status).toBe(200);
    expect((await unlink()).status).toBe(200);
  });

  it('is refused for an endpoint that the provider does not have', () => {
    expect(() => sandbox.fault({ provider: 'google', at: 'unlink', fault: '503' })).toThrow(
      'no unlink endpoint',
    );
  });
});

describe('the HTTP API for faults', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const FAULT = { provider: 'google', at: 'profile', fault: '503' };

  function post(body: unknown, headers: Record<string, string> = JSON_TYPE): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(`${sandbox.url}/control/fault`, { method: 'POST', headers, body: text });
  }

  it('switches faults on and off', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'google');
    expect((await post(FAULT)).status).toBe(204);
    expect((await profile(sandbox, 'google', token)).status).toBe(503);
    expect((await fetch(`${sandbox.url}/control/fault`, { method: 'DELETE' })).status).toBe(204);
    expect((await profile(sandbox, 'google', token)).status).toBe(200);
  });

  it('accepts every kind of fault', async () => {
    for (const fault of FAULT_KINDS) expect((await post({ ...FAULT, fault })).status).toBe(204);
  });

  it.each([
    ['malformed JSON', '{'],
    ['null', 'null'],
    ['an unknown kind', { ...FAULT, fault: 'flood' }],
    ['an unknown provider', { ...FAULT, provider: 'daum' }],
    ['an unknown member', { ...FAULT, extra: 1 }],
    ['an endpoint that the provider does not have', { ...FAULT, at: 'unlink' }],
  ])('refuses %s with a reason', async (_what, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toHaveProperty('error');
  });

  it('refuses a form or plain text, which a web page can send (csrf)', async () => {
    expect((await post(FAULT, { 'content-type': 'text/plain' })).status).toBe(415);
  });

  it.each<Record<string, string>>([
    { origin: 'http://localhost:3000' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('refuses a web page (%p)', async (headers) => {
    expect((await post(FAULT, { ...JSON_TYPE, ...headers })).status).toBe(403);
    expect((await fetch(`${sandbox.url}/control/requests`, { headers })).status).toBe(403);
  });

  it('returns and clears the request journal', async () => {
    await profile(sandbox, 'naver', 'unknown');
    const list = async (): Promise<unknown[]> =>
      (await (await fetch(`${sandbox.url}/control/requests`)).json()) as unknown[];
    expect((await list()).at(-1)).toMatchObject({ provider: 'naver', endpoint: 'profile' });
    expect((await fetch(`${sandbox.url}/control/requests`, { method: 'DELETE' })).status).toBe(204);
    expect(await list()).toEqual([]);
  });
});
