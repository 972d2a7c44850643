import { readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from '../../src/redis/redis.js';
import { anonymous, json, openSession } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { CertificateAuthority } from '../support/servers/certificates.js';
import { freePorts } from '../support/servers/ports.mjs';
import { describeWith } from '../support/programs.js';
import { RedisCluster, RedisServer } from '../support/servers/redis-server.js';
import { makeDataDir } from '../support/fixtures/data-dir.js';
import { ServerProcess } from '../support/servers/server-process.js';
import { until } from '../support/until.js';

const AUTH_SECRET = randomBytes(32).toString('base64');
/** The ACL line of docs/compatibility.md. */
const [, ACL = ''] = /^ACL SETUSER daemun (.*)$/m.exec(readFileSync('docs/compatibility.md', 'utf8')) ?? [];

let app: TestApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});
async function start(REDIS_URL: string, env: Record<string, string> = {}): Promise<TestApp> {
  app = await startApp({ REDIS_URL, AUTH_SECRET, ...env });
  return app;
}
const redisOf = ({ daemun }: TestApp) => daemun.app.get(Redis, { strict: false });
const ready = async ({ url }: TestApp) => {
  const answer = await fetch(`${url}/health/ready`);
  return { code: answer.status, ...(await json<{ stores: unknown; reasons?: unknown }>(answer)) };
};
/** Returns the log lines for the operator. */
const operatorLog = ({ log }: TestApp) =>
  log
    .filter(({ remedy }) => typeof remedy === 'string')
    .map(({ level, reason, remedy }) => ({ level, reason, remedy }));

/** Logs in, refreshes twice, reaches a rate limit and logs out: every use of Redis. */
async function useSessions(on: TestApp): Promise<number[]> {
  const { refreshToken } = await openSession(on);
  const statuses: number[] = [];
  let cookie = `refresh=${refreshToken}`;
  for (const path of ['/auth/refresh', '/auth/refresh', '/auth/logout']) {
    const answer = await fetch(on.url + path, { method: 'POST', headers: { cookie } });
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
    statuses.push(answer.status);
  }
  const wrong = { email: 'nobody@example.com', password: 'not a password' };
  statuses.push((await anonymous(on)('POST', '/auth/login', wrong)).status);
  return statuses;
}
const WORKS = [200, 200, 204, 401];

describeWith('redis', 'REDIS_URL', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start({ settings: { bind: '127.0.0.1 ::1', databases: '4' } });
    await server.command('ACL', 'SETUSER', 'with', 'on', '>p@ss/w:rd', '~*', '&*', '+@all');
  });
  afterAll(() => server.stop());

  it.each([
    ['an IPv6 address', (port: number) => `redis://[::1]:${port}`],
    ['a database', (port: number) => `redis://127.0.0.1:${port}/3`],
    ['an empty path', (port: number) => `redis://127.0.0.1:${port}/`],
    ['parameters', (port: number) => `redis://127.0.0.1:${port}/0?timeout=5`],
    ['an upper-case scheme', (port: number) => `REDIS://127.0.0.1:${port}`],
    ['encoded credentials', (port: number) => `redis://with:p%40ss%2Fw%3Ard@127.0.0.1:${port}`],
  ])('may have %s', async (_, url) => {
    const on = await start(url(server.port));
    expect(await useSessions(on)).toEqual(WORKS);
    expect(await ready(on)).toMatchObject({ code: 200, stores: { redis: 'up' } });
  });

  it.each([
    ['a wrong password', (port: number) => `redis://with:w0rd@127.0.0.1:${port}`, 'login_refused'],
    ['an unknown user', (port: number) => `redis://nobody:w0rd@127.0.0.1:${port}`, 'login_refused'],
    ['a missing database', (port: number) => `redis://127.0.0.1:${port}/9`, 'database_missing'],
  ])('with %s is logged for the operator, and all requests succeed without Redis', async (_, url, reason) => {
    const on = await start(url(server.port));
    expect(await useSessions(on)).toEqual(WORKS);
    expect(await ready(on)).toMatchObject({
      code: 200,
      stores: { redis: 'down' },
      reasons: { redis: reason },
    });
    expect(operatorLog(on)).toEqual([
      { level: 'error', reason, remedy: expect.stringMatching(/^REDIS_URL: /) },
    ]);
    expect(JSON.stringify(on.log)).not.toContain('w0rd');
  });

  it('with TLS for a server without TLS is logged for the operator', async () => {
    const on = await start(`rediss://127.0.0.1:${server.port}`);
    expect(operatorLog(on)).toMatchObject([{ remedy: expect.stringContaining('TLS') }]);
  });

  it('with an unknown host name is logged for the operator', async () => {
    const on = await start('redis://redis.invalid:6379');
    expect(await ready(on)).toMatchObject({ code: 200, stores: { redis: 'down' } });
    expect(operatorLog(on)).toMatchObject([
      { remedy: expect.stringMatching(/^REDIS_URL: the name of the server/) },
    ]);
  });
});

describeWith('redis', 'a Redis user', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());
  const userWith = async (...rules: string[]): Promise<string> => {
    await server.command(
      'ACL',
      'SETUSER',
      'daemun',
      'reset',
      ...rules.map((rule) => rule.replace('>password', '>pw')),
    );
    // Scripts that the server has cached by their hash need no EVAL.
    await server.command('SCRIPT', 'FLUSH');
    return `redis://daemun:pw@127.0.0.1:${server.port}`;
  };

  it('with the documented ACL rules suffices for every use', async () => {
    const on = await start(await userWith(...ACL.split(' ')));
    expect(await useSessions(on)).toEqual(WORKS);
    expect(await ready(on)).toMatchObject({ code: 200, stores: { redis: 'up' } });
    expect(operatorLog(on)).toEqual([]);
    expect(await server.command('ACL', 'LOG')).toEqual([]);
  });

  it.each(ACL.split(' ').filter((rule) => /^[+~&]/.test(rule)))(
    'without %s is logged with the missing rule',
    async (rule) => {
      const on = await start(await userWith(...ACL.split(' ').filter((other) => other !== rule)));
      expect(await ready(on)).toMatchObject({ code: 200, reasons: { redis: 'permission_denied' } });
      const [line] = on.log.filter(({ reason }) => reason === 'permission_denied');
      expect(line).toMatchObject({ level: 'error', remedy: expect.stringContaining('ACL SETUSER') });
      if (rule.startsWith('+'))
        expect(String(line?.['message']).toLowerCase()).toContain(`'${rule.slice(1)}'`);
    },
  );

  it('that gets the missing rule is used without a restart', async () => {
    const on = await start(await userWith(...ACL.split(' ').filter((rule) => rule !== '+info')));
    expect(redisOf(on).up).toBe(false);
    await server.command('ACL', 'SETUSER', 'daemun', '+info');
    await until(() => redisOf(on).up);
  });
});

describeWith('redis', 'a Redis server that refuses writes', () => {
  it.each([
    [
      'is full',
      async (server: RedisServer) => server.command('CONFIG', 'SET', 'maxmemory', '1'),
      'out_of_memory',
    ],
    [
      'lost its replicas',
      async (server: RedisServer) => server.command('CONFIG', 'SET', 'min-replicas-to-write', '3'),
      'replication_broken',
    ],
    [
      'is a replica now',
      async (server: RedisServer) => server.command('REPLICAOF', '127.0.0.1', '1'),
      'read_only',
    ],
  ])('because it %s ends no session and fails no request', async (_, spoil, reason) => {
    const server = await RedisServer.start();
    const on = await start(server.url);
    expect(redisOf(on).up).toBe(true);
    await spoil(server);
    const rounds = await Promise.all(Array.from({ length: 4 }, () => useSessions(on)));
    expect(new Set(rounds.map(String))).toEqual(new Set([String(WORKS)]));
    expect(await ready(on)).toMatchObject({ code: 200, reasons: { redis: reason } });
    await server.stop();
  });
});

describeWith(['redis', 'openssl'], 'a Redis server with a certificate of a private CA', () => {
  let ca: CertificateAuthority;
  let server: RedisServer;
  let port = 0;
  beforeAll(async () => {
    ca = new CertificateAuthority();
    const { cert, key } = ca.issue('localhost');
    [port = 0] = await freePorts(1);
    server = await RedisServer.start({
      settings: {
        'tls-port': String(port),
        'tls-cert-file': cert,
        'tls-key-file': key,
        'tls-ca-cert-file': ca.cert,
        'tls-auth-clients': 'no',
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    ca.remove();
  });

  it('is logged for the operator if the CA is unknown', async () => {
    const on = await start(`rediss://localhost:${port}`);
    expect(operatorLog(on)).toEqual([
      {
        level: 'error',
        reason: 'certificate_not_trusted',
        remedy: expect.stringMatching(/^REDIS_URL: .*NODE_EXTRA_CA_CERTS/),
      },
    ]);
    expect(await ready(on)).toMatchObject({ code: 200, reasons: { redis: 'certificate_not_trusted' } });
  });

  it('is used with NODE_EXTRA_CA_CERTS', async () => {
    const dataDir = makeDataDir();
    const process = await ServerProcess.start({
      REDIS_URL: `rediss://localhost:${port}`,
      NODE_EXTRA_CA_CERTS: ca.cert,
      OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
      MAIL_URL: 'smtp://127.0.0.1:9',
      AUTH_SECRET,
      DATA_DIR: dataDir,
    });
    expect(await json(fetch(`${process.url}/health/ready`))).toEqual({
      status: 'ok',
      stores: { postgres: 'up', redis: 'up' },
    });
    await process.stop();
    rmSync(dataDir, { recursive: true });
  });
});

describeWith('redis', 'a single endpoint of a Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start(3);
  });
  afterAll(() => cluster.stop());

  it('is detected, and all nodes of the cluster are used', async () => {
    const on = await start(cluster.nodes[0]?.url ?? '');
    const rounds = await Promise.all(Array.from({ length: 6 }, () => useSessions(on)));
    expect(new Set(rounds.map(String))).toEqual(new Set([String(WORKS)]));
    expect(await ready(on)).toMatchObject({ code: 200, stores: { redis: 'up' } });
    expect(operatorLog(on)).toEqual([]);
  });
});

describe('docs/compatibility.md', () => {
  it('has the line for ACL SETUSER', () => expect(ACL).toContain('~daemun:*'));
});
