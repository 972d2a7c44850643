import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { UnreadableRequests } from '../../src/http/unreadable-requests.js';
import { createLogger } from '../../src/logging/logging.js';
import { anonymous, failure, signedIn } from '../support/fixtures/actors.js';
import { startApp, type LogLine, type TestApp } from '../support/fixtures/app.js';
import { testConfig } from '../support/fixtures/config.js';

/** A route with a defect. */
@Controller('defect')
class DefectController {
  @Get()
  fail(): void {
    throw new Error('a defect in a line of ours');
  }
}
@Module({ controllers: [DefectController] })
class DefectModule {}

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ WEB_ORIGINS: 'http://localhost:5173,http://localhost:8080' }, [DefectModule]);
});
afterAll(() => app.stop());

/** Sends a request that `fetch` refuses to send. */
function raw(
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.url);
    const sent = httpRequest({ hostname, port, method, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

describe('an invalid request', () => {
  const post = (body: string, type = 'application/json') =>
    fetch(`${app.url}/auth/logout`, { method: 'POST', body, headers: { 'content-type': type } });

  it.each([
    ['a body that is not JSON', () => post('{"a":'), 400, 'malformed_json'],
    ['a body that would change prototypes', () => post('{"__proto__":{"a":1}}'), 400, 'malformed_json'],
    [
      'a body of another type',
      () => post('a=1', 'application/x-www-form-urlencoded'),
      415,
      'unsupported_media_type',
    ],
    ['a body that is too large', () => post(JSON.stringify('x'.repeat(70_000))), 413, 'body_too_large'],
    ['an unknown path', () => fetch(`${app.url}/nowhere`), 404, 'not_found'],
  ])('is answered with a problem: %s', async (_, send, status, code) => {
    const response = await send();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await response.json()).toMatchObject({ code, status });
  });

  it('is answered with a problem also when the router rejects it', async () => {
    const { status, body } = await raw('GET', '/%zz');
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ code: 'bad_request' });
  });

  it.each(['TRACE', 'CONNECT', 'BREW'])('is refused with the method %s', async (method) => {
    const outcome = await raw(method, '/health/live').then(
      ({ status }) => status,
      () => 400,
    );
    expect(outcome).toBeGreaterThanOrEqual(400);
    expect(outcome).toBeLessThan(500);
  });

  it('gets a problem without query members, because they may carry codes', async () => {
    const response = await fetch(`${app.url}/nowhere?code=abc`);
    expect(await response.json()).toMatchObject({ instance: '/nowhere' });
  });
});

describe('a request body', () => {
  const post = (body: Uint8Array<ArrayBuffer>) =>
    fetch(`${app.url}/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  it('that is not UTF-8 is refused, not altered', async () => {
    const body = Buffer.concat([Buffer.from('{"email":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect(await (await post(body)).json()).toMatchObject({ status: 400, code: 'malformed_json' });
  });

  it('that the client aborts is not logged as an error', async () => {
    const before = app.log.length;
    const started = new Promise((resolve) => app.daemun.app.getHttpServer().once('request', resolve));
    const client = connect(app.config.port, '127.0.0.1');
    client.write(
      'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    await started;
    client.destroy();
    const hangUps = () =>
      app.log.slice(before).filter(({ reason }) => reason === 'the client hung up while sending');
    while (hangUps().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(hangUps()).toMatchObject([{ level: 'info', code: 'bad_request' }]);
  });
});

describe('a request head that Node.js refuses', () => {
  /** Returns all bytes received until the connection is closed. */
  const exchange = (head: string): Promise<string> => {
    const client = connect(app.config.port, '127.0.0.1');
    client.on('error', () => {}).write(head);
    return text(client);
  };

  it.each([
    [
      '20 KB of cookies',
      `GET / HTTP/1.1\r\nHost: x\r\nCookie: a=${'b'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'an address of 20 KB',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['no HTTP', '\x16\x03\x01\x02\x00\r\n\r\n', 400, 'bad_request'],
    [
      'two lengths',
      'POST /auth/logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'two lengths that differ',
      'POST /auth/logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n0',
      400,
      'bad_request',
    ],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400, 'bad_request'],
  ])('is answered with a problem, and the connection is closed: %s', async (_, head, status, code) => {
    const answer = await exchange(head);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*"code":"${code}"`));
  });
});

it('a path parameter of any length is answered 404', async () => {
  expect(await (await fetch(`${app.url}/posts/${'a'.repeat(500)}`)).json()).toMatchObject({
    code: 'post_not_found',
  });
});

describe('a connection that times out', () => {
  /** Returns the bytes received when Node.js closes the connection. */
  async function givenUp(asked: string): Promise<string> {
    const server = app.daemun.app.getHttpServer();
    const arrived = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const client = connect(app.config.port, '127.0.0.1');
    const received = text(client);
    const socket = await arrived;
    client.write(asked);
    while (socket.bytesRead < asked.length) await new Promise(setImmediate);
    const error = Object.assign(new Error('too late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    server.emit('clientError', error, socket);
    return received;
  }

  it('within a request is answered with a problem', async () => {
    expect(await givenUp('GET / HTTP/1.1\r\n')).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
  });

  it('without a request is closed without a response', async () => {
    expect(await givenUp('')).toBe('');
  });
});

describe('every response', () => {
  it('carries the request id of its log line', async () => {
    const response = await fetch(`${app.url}/nowhere`);
    const { requestId } = (await response.json()) as { requestId: string };
    expect(response.headers.get('x-request-id')).toBe(requestId);
    expect(app.log.filter((line) => line['reqId'] === requestId)).not.toHaveLength(0);
  });

  it('forbids sniffing, framing, caching and referrers (security headers)', async () => {
    const { headers } = await fetch(`${app.url}/health/live`);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    });
  });

  it('has HSTS for a year over https', async () => {
    const behind = await startApp({ PUBLIC_URL: 'https://localhost' });
    const answer = await fetch(`${behind.url}/health/live`);
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    await behind.stop();
  });

  it('does not name the server software', async () => {
    const { headers } = await fetch(`${app.url}/health/live`);
    expect(headers.has('server') || headers.has('x-powered-by')).toBe(false);
  });
});

it.each([
  ['/health/live', 'application/json; charset=utf-8'],
  ['/users/me', 'application/problem+json; charset=utf-8'],
  ['/nowhere', 'application/problem+json; charset=utf-8'],
  ['/.well-known/jwks.json', 'application/json; charset=utf-8'],
])('a response of %s has its content type', async (path, type) => {
  expect((await fetch(app.url + path)).headers.get('content-type')).toBe(type);
});

describe('the request log', () => {
  const linesOf = (answer: Response) =>
    app.log.filter(({ reqId }) => reqId === answer.headers.get('x-request-id'));

  it('has time in UTC, address, route, account and reason of a refusal', async () => {
    const mina = await signedIn(app);
    const answer = await mina.call('POST', '/boards', { slug: 'hers', title: 'Hers' });
    expect(answer.status).toBe(403);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(linesOf(answer)).toEqual([
      expect.objectContaining({ time, level: 'info', code: 'forbidden' }),
      expect.objectContaining({
        time,
        method: 'POST',
        route: '/boards',
        status: 403,
        ip: expect.stringMatching(/^(::|127\.)/),
        accountId: mina.id,
      }),
    ]);
  });

  it('has the reason for which an access token was refused', async () => {
    const answer = await anonymous(app)('GET', '/users/me', undefined, { authorization: 'Bearer forged' });
    expect(linesOf(answer)).toContainEqual(
      expect.objectContaining({ code: 'access_token_invalid', reason: expect.any(String) }),
    );
  });

  it('has the cause of an unexpected error, and the response does not', async () => {
    const mina = await signedIn(app);
    const answer = await mina.call('GET', '/defect');
    expect(linesOf(answer)).toContainEqual(
      expect.objectContaining({
        level: 'error',
        code: 'unexpected',
        err: expect.objectContaining({ message: 'a defect in a line of ours' }),
      }),
    );
    const told = await answer.clone().text();
    expect(told).not.toContain('defect in a line');
    expect(await failure(answer)).toEqual({ status: 500, code: 'unexpected' });
  });
});

describe('CORS for a page on another origin', () => {
  const preflight = (origin: string, names = 'content-type') =>
    fetch(`${app.url}/auth/refresh`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': names,
      },
    });

  it.each([
    'traceparent, tracestate, baggage',
    'sentry-trace',
    'x-datadog-trace-id, x-datadog-parent-id, x-datadog-origin, x-datadog-sampling-priority',
    'x-b3-traceid, x-b3-spanid, x-b3-sampled',
    'adrum, x-dtpc, x-instana-t, sw8, ot-tracer-traceid, x-newrelic-id',
    'authorization, content-type, idempotency-key, if-match',
    'x-requested-with, cache-control, x-request-id',
  ])('allows request headers without authority: %s', async (names) => {
    const { headers } = await preflight('http://localhost:8080', names);
    const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ');
    expect(names.split(', ').filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it.each(['x-forwarded-for', 'cookie', 'x-roles', 'x-http-method-override'])(
    'does not allow the request header %s',
    async (name) => {
      const { headers } = await preflight('http://localhost:8080', name);
      const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ');
      expect(allowed).not.toContain(name);
    },
  );

  it('allows credentials for the origins in WEB_ORIGINS', async () => {
    const { headers } = await preflight('http://localhost:8080');
    expect(headers.get('access-control-allow-origin')).toBe('http://localhost:8080');
    expect(headers.get('access-control-allow-credentials')).toBe('true');
  });

  it.each(['http://evil.example', 'http://localhost:8081', 'null'])(
    'allows no request from the origin %s',
    async (origin) => {
      const { headers } = await preflight(origin);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    },
  );
});

describe('a request refused before routing', () => {
  let secure: TestApp;
  beforeAll(async () => {
    secure = await startApp({ PUBLIC_URL: 'https://localhost', TRUST_PROXY: '1' });
  });
  afterAll(() => secure.stop());

  /** Sends bytes on a new connection. Returns the head of the response and the log lines of the request. */
  async function send(bytes: string): Promise<{ status: number; headers: Headers; lines: LogLine[] }> {
    const before = secure.log.length;
    const client = connect(secure.config.port, '127.0.0.1');
    client.on('error', () => {}).end(bytes);
    const [head = ''] = (await text(client)).split('\r\n\r\n', 1);
    const [first = '', ...fields] = head.split('\r\n');
    const pairs = fields.map((field): [string, string] => {
      const [name = '', ...value] = field.split(': ');
      return [name, value.join(': ')];
    });
    return {
      status: Number(first.split(' ')[1]),
      headers: new Headers(pairs),
      lines: secure.log.slice(before),
    };
  }

  const SECURITY_HEADERS = [
    'strict-transport-security',
    'content-security-policy',
    'referrer-policy',
    'cross-origin-resource-policy',
    'cross-origin-opener-policy',
    'x-content-type-options',
    'cache-control',
    'vary',
  ];
  const REFUSED: [string, string, number][] = [
    ['the router: a malformed escape', 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    ['a hook: no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['no route', 'PROPFIND / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    [
      'nothing, but an unknown expectation',
      'GET /nowhere HTTP/1.1\r\nHost: x\r\nExpect: y\r\nConnection: close\r\n\r\n',
      404,
    ],
    [
      'Node.js: headers that are too large',
      `GET / HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    ['Node.js: no HTTP', '\x16\x03\x01\x02\x00\r\n\r\n', 400],
    ['Node.js: an unknown method', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ];

  it.each(REFUSED)('gets a response with all security headers: %s', async (_, bytes, status) => {
    const usual = await fetch(`${secure.url}/health/live`);
    const expected = SECURITY_HEADERS.map((name) => [name, usual.headers.get(name)]);
    expect(expected.filter(([, value]) => value === null)).toEqual([]);
    const refused = await send(bytes);
    expect(refused.status).toBe(status);
    expect(SECURITY_HEADERS.map((name) => [name, refused.headers.get(name)])).toEqual(expected);
  });

  it('is logged with address, method, route and request id if the router refuses it', async () => {
    const { headers, lines } = await send(
      'POST /%zz?code=abc HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7:5\r\nConnection: close\r\n\r\n',
    );
    const reqId = headers.get('x-request-id');
    expect(lines).toEqual([
      expect.objectContaining({ reqId, code: 'bad_request' }),
      expect.objectContaining({
        reqId,
        method: 'POST',
        route: '(none)',
        status: 400,
        ip: '203.0.113.7',
        msg: 'request',
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('abc');
  });
});

describe('requests that Node.js cannot parse', () => {
  const errors = (): { log: LogLine[]; refuse: (code: string) => void } => {
    const log: LogLine[] = [];
    const logger = createLogger(testConfig({ LOG_LEVEL: 'info' }), {
      write: (line) => void log.push(JSON.parse(line) as LogLine),
    });
    const requests = new UnreadableRequests(logger, {});
    return {
      log,
      refuse: (code) => {
        const error = Object.assign(new Error('Parse Error'), { code, rawPacket: 'secret' });
        requests.refuse(error, new PassThrough());
      },
    };
  };
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('are logged with their error code', () => {
    const { log, refuse } = errors();
    refuse('HPE_INVALID_METHOD');
    refuse('HPE_HEADER_OVERFLOW');
    expect(log).toMatchObject([
      { level: 'info', cause: 'HPE_INVALID_METHOD', code: 'bad_request', status: 400 },
      { level: 'info', cause: 'HPE_HEADER_OVERFLOW', code: 'headers_too_large', status: 431 },
    ]);
    expect(JSON.stringify(log)).not.toContain('secret');
  });

  it('are logged once per error code in any number', () => {
    const { log, refuse } = errors();
    for (let i = 0; i < 1_000; i++) refuse('HPE_INVALID_METHOD');
    expect(log).toHaveLength(1);
  });

  it('are summarized once a minute', () => {
    const { log, refuse } = errors();
    for (let i = 0; i < 1_000; i++) refuse('HPE_INVALID_METHOD');
    jest.advanceTimersByTime(60_000);
    expect(log.slice(1)).toMatchObject([{ cause: 'HPE_INVALID_METHOD', more: 999 }]);
    refuse('HPE_INVALID_METHOD');
    jest.advanceTimersByTime(60_000);
    expect(log).toHaveLength(3);
  });
});

describe('health endpoints', () => {
  it('report that the process is alive', async () => {
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
  });

  it('report that every store responds', async () => {
    const response = await fetch(`${app.url}/health/ready`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', stores: { postgres: 'up' } });
  });
});
