// Cost of a refresh over HTTP, with PostgreSQL alone and with Redis as its cache, relative to the Lua script alone on the same
// Redis in the same rounds; with 1,000 and with 1,000,000 live sessions. Usage: npm run bench:refresh [seconds] [rounds]
import { fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { createClient } from '@redis/client';
import { ROTATE_IN_CACHE } from '../dist/src/auth/sessions/rotation.lua.js';
import { startDatabase } from './database.mjs';

const seconds = Number(process.argv[2] ?? 3);
const rounds = Number(process.argv[3] ?? 3);
const IN_FLIGHT = 32;
const MANY = 1_000_000;
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const database = await startDatabase();
if (database.inProcess) throw new Error('needs PostgreSQL: apt-get install postgresql');
const server = spawn('redis-server', ['--port', '3804', '--save', '', '--bind', '127.0.0.1'], {
  stdio: 'ignore',
});
await new Promise((resolve) => setTimeout(resolve, 500));
const redis = await createClient({ url: 'redis://127.0.0.1:3804' }).connect();
const env = {
  DATABASE_URL: database.url,
  LOG_LEVEL: 'info',
  RATE_LIMIT_FACTOR: '1000',
  AUTH_SECRET: 'a-secret-for-the-benchmark-only-0123456789',
  SESSIONS: '1000',
  SESSION_LIMIT: '1000',
};
const children = [];
try {
  const postgresOnly = await start(3805, env);
  const withRedis = await start(3806, { ...env, REDIS_URL: 'redis://127.0.0.1:3804' });
  // The first refresh of each session creates its cache entry.
  for (const cookie of withRedis.cookies) await refresh(3806, cookie);
  const [key] = (await redis.keys('daemun:session:*')).toSorted();
  console.log(`a session in Redis: ${await redis.memoryUsage(key)} bytes`);
  const callsBefore = Number(/calls=(\d+)/.exec(await stats())?.[1] ?? 0);
  for (const cookie of withRedis.cookies) await refresh(3806, cookie);
  const calls = Number(/calls=(\d+)/.exec(await stats())?.[1] ?? 0) - callsBefore;
  console.log(`round trips to Redis per refresh: ${(calls / withRedis.cookies.length).toFixed(2)}`);

  for (const sessions of [withRedis.cookies.length, MANY]) {
    await fill(sessions - withRedis.cookies.length);
    const results = { raw: [], redis: [], postgres: [] };
    for (let round = 0; round < rounds; round++) {
      results.raw.push(await raw());
      results.redis.push(await measure(3806, withRedis.cookies));
      results.postgres.push(await measure(3805, postgresOnly.cookies));
    }
    console.log(
      `${sessions} live sessions, ${rounds} rounds of ${seconds} s, ${IN_FLIGHT} in flight; medians`,
    );
    for (const [name, values] of Object.entries(results)) {
      const ratio = median(values.map((value, round) => value / results.raw[round]));
      console.log(
        `  ${name.padEnd(9)} ${String(Math.round(median(values))).padStart(7)}/s   ${ratio.toFixed(2)}`,
      );
    }
  }
} finally {
  for (const child of children) child.kill();
  redis.destroy();
  server.kill();
  await database.stop();
}

async function stats() {
  return (await redis.info('commandstats')).split('\n').find((line) => line.startsWith('cmdstat_evalsha:'));
}

/** Returns the rate of the script alone, from one connection. */
async function raw() {
  const keys = (await redis.sendCommand(['SCAN', '0', 'COUNT', '1000']))[1];
  const until = performance.now() + seconds * 1000;
  let done = 0;
  const worker = async (from) => {
    for (let i = from; performance.now() < until; i++) {
      const args = ['1', '20000', '2592000000', '86400000', '3600000', '1000000'];
      await redis.sendCommand(['EVALSHA', ROTATE_IN_CACHE.sha, '1', keys[i % keys.length], ...args]);
      done++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, i) => worker(i * 7)));
  return done / seconds;
}

/** Adds cache entries of idle sessions. */
async function fill(count) {
  const account = randomUUID();
  const now = String(Date.now());
  for (let left = count; left > 0; left -= 5_000) {
    await Promise.all(
      Array.from({ length: Math.min(5_000, left) }, () =>
        redis.hSet(`daemun:session:${randomUUID()}`, {
          current: '2',
          parent: '1',
          oldest_valid: '0',
          oldest_retry: '1',
          rotated_at: now,
          issued_at: now,
          seeded: now,
          saved: now,
          expires: String(Date.now() + 1e10),
          account,
          roles: 'user',
        }),
      ),
    );
  }
}

function refresh(port, cookie) {
  return fetch(`http://127.0.0.1:${port}/auth/refresh`, {
    method: 'POST',
    headers: { cookie: `refresh=${cookie}` },
  });
}

async function measure(port, cookies) {
  let next = 0;
  const result = await autocannon({
    url: `http://127.0.0.1:${port}/auth/refresh`,
    duration: seconds,
    connections: IN_FLIGHT,
    requests: [
      {
        method: 'POST',
        setupRequest: (request) => ({
          ...request,
          headers: { ...request.headers, cookie: `refresh=${cookies[next++ % cookies.length]}` },
        }),
      },
    ],
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} refused, ${result.errors} errors`);
  return result.requests.average;
}

function start(port, environment) {
  const file = fileURLToPath(new URL('daemun-server.mjs', import.meta.url));
  const child = fork(file, [String(port)], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}
