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

/** Sends what `fetch` would refuse to send. */
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

describe('a request that cannot be understood', () => {
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

  it('is answered with a problem even where the router gives up', async () => {
    const { status, body } = await raw('GET', '/%zz');
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ code: 'bad_request' });
  });

  it.each(['TRACE', 'CONNECT', 'BREW'])('is refused when its method is %s', async (method) => {
    const outcome = await raw(method, '/health/live').then(
      ({ status }) => status,
      () => 400,
    );
    expect(outcome).toBeGreaterThanOrEqual(400);
    expect(outcome).toBeLessThan(500);
  });

  it('names no query member in the problem, since codes travel there', async () => {
    const response = await fetch(`${app.url}/nowhere?code=abc`);
    expect(await response.json()).toMatchObject({ instance: '/nowhere' });
  });
});

describe('a body', () => {
  const post = (body: Uint8Array<ArrayBuffer>) =>
    fetch(`${app.url}/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  it('that is not UTF-8 is refused, not altered', async () => {
    const body = Buffer.concat([Buffer.from('{"email":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect(await (await post(body)).json()).toMatchObject({ status: 400, code: 'malformed_json' });
  });

  it('whose sender hangs up is nothing to wake an operator for', async () => {
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

describe('a request head that Node.js does not take', () => {
  /** Everything that comes back until the connection is closed. */
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
    ['no HTTP at all', '\x16\x03\x01\x02\x00\r\n\r\n', 400, 'bad_request'],
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
  ])('is answered with a problem, and the connection closed: %s', async (_, head, status, code) => {
    const answer = await exchange(head);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*"code":"${code}"`));
  });
});

it('a name of any length in a path is a name that nobody has', async () => {
  expect(await (await fetch(`${app.url}/posts/${'a'.repeat(500)}`)).json()).toMatchObject({
    code: 'post_not_found',
  });
});

describe('a connection that waits too long', () => {
  /** What comes back on a connection when Node.js gives up on it. */
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

  it('with a part of a request is told so', async () => {
    expect(await givenUp('GET / HTTP/1.1\r\n')).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
  });

  it('without a request is closed without a word, which a request in that moment would take for its answer', async () => {
    expect(await givenUp('')).toBe('');
  });
});

describe('every answer', () => {
  it('carries the id under which the log knows the request', async () => {
    const response = await fetch(`${app.url}/nowhere`);
    const { requestId } = (await response.json()) as { requestId: string };
    expect(response.headers.get('x-request-id')).toBe(requestId);
    expect(app.log.filter((line) => line['reqId'] === requestId)).not.toHaveLength(0);
  });

  it('keeps browsers from sniffing, framing, caching and telling where they came from', async () => {
    const { headers } = await fetch(`${app.url}/health/live`);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    });
  });

  it('says over https that only https will do, for a year', async () => {
    const behind = await startApp({ PUBLIC_URL: 'https://localhost' });
    const answer = await fetch(`${behind.url}/health/live`);
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    await behind.stop();
  });

  it('does not say what it was made with', async () => {
    const { headers } = await fetch(`${app.url}/health/live`);
    expect(headers.has('server') || headers.has('x-powered-by')).toBe(false);
  });
});

it.each([
  ['/health/live', 'application/json; charset=utf-8'],
  ['/users/me', 'application/problem+json; charset=utf-8'],
  ['/nowhere', 'application/problem+json; charset=utf-8'],
  ['/.well-known/jwks.json', 'application/json; charset=utf-8'],
])('what %s answers says what it is', async (path, type) => {
  expect((await fetch(app.url + path)).headers.get('content-type')).toBe(type);
});

describe('the log', () => {
  const linesOf = (answer: Response) =>
    app.log.filter(({ reqId }) => reqId === answer.headers.get('x-request-id'));

  it('knows of a refusal when, where, who, what and why, in UTC', async () => {
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

  it('knows of an access token that was not believed, and why', async () => {
    const answer = await anonymous(app)('GET', '/users/me', undefined, { authorization: 'Bearer forged' });
    expect(linesOf(answer)).toContainEqual(
      expect.objectContaining({ code: 'access_token_invalid', reason: expect.any(String) }),
    );
  });

  it('knows an error that nobody thought of with its cause, of which the client hears nothing', async () => {
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

describe('a page on another origin', () => {
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
  ])('lets pages send headers that carry no authority: %s', async (names) => {
    const { headers } = await preflight('http://localhost:8080', names);
    const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ');
    expect(names.split(', ').filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it.each(['x-forwarded-for', 'cookie', 'x-roles', 'x-http-method-override'])(
    'does not let pages send %s',
    async (name) => {
      const { headers } = await preflight('http://localhost:8080', name);
      const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ');
      expect(allowed).not.toContain(name);
    },
  );

  it('may call with the cookie when it is in WEB_ORIGINS', async () => {
    const { headers } = await preflight('http://localhost:8080');
    expect(headers.get('access-control-allow-origin')).toBe('http://localhost:8080');
    expect(headers.get('access-control-allow-credentials')).toBe('true');
  });

  it.each(['http://evil.example', 'http://localhost:8081', 'null'])(
    'may not call when it is %s',
    async (origin) => {
      const { headers } = await preflight(origin);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    },
  );
});

describe('a request that no route sees', () => {
  let secure: TestApp;
  beforeAll(async () => {
    secure = await startApp({ PUBLIC_URL: 'https://localhost', TRUST_PROXY: '1' });
  });
  afterAll(() => secure.stop());

  /** Sends bytes on a connection of their own; the head of the response, and the lines of the log that belong to it. */
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

  it.each(REFUSED)(
    'has the security headers of every other in its response: %s',
    async (_, bytes, status) => {
      const usual = await fetch(`${secure.url}/health/live`);
      const expected = SECURITY_HEADERS.map((name) => [name, usual.headers.get(name)]);
      expect(expected.filter(([, value]) => value === null)).toEqual([]);
      const refused = await send(bytes);
      expect(refused.status).toBe(status);
      expect(SECURITY_HEADERS.map((name) => [name, refused.headers.get(name)])).toEqual(expected);
    },
  );

  it('is in the log with address, method, route and request id, where the router refuses it', async () => {
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

  it('are in the log by their error code', () => {
    const { log, refuse } = errors();
    refuse('HPE_INVALID_METHOD');
    refuse('HPE_HEADER_OVERFLOW');
    expect(log).toMatchObject([
      { level: 'info', cause: 'HPE_INVALID_METHOD', code: 'bad_request', status: 400 },
      { level: 'info', cause: 'HPE_HEADER_OVERFLOW', code: 'headers_too_large', status: 431 },
    ]);
    expect(JSON.stringify(log)).not.toContain('secret');
  });

  it('are one line for each error code, however many there are', () => {
    const { log, refuse } = errors();
    for (let i = 0; i < 1_000; i++) refuse('HPE_INVALID_METHOD');
    expect(log).toHaveLength(1);
  });

  it('are summed up once a minute', () => {
    const { log, refuse } = errors();
    for (let i = 0; i < 1_000; i++) refuse('HPE_INVALID_METHOD');
    jest.advanceTimersByTime(60_000);
    expect(log.slice(1)).toMatchObject([{ cause: 'HPE_INVALID_METHOD', more: 999 }]);
    refuse('HPE_INVALID_METHOD');
    jest.advanceTimersByTime(60_000);
    expect(log).toHaveLength(3);
  });
});

describe('health', () => {
  it('says that the process is alive', async () => {
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
  });

  it('says that every store answers', async () => {
    const response = await fetch(`${app.url}/health/ready`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', stores: { postgres: 'up' } });
  });
});
