// Effect of floods of expensive requests on other clients: the p99 of ordinary requests on an idle server and during each storm,
// and their ratio; with the embedded database and, if installed, with PostgreSQL.
// Usage: npm run bench:abuse -- [--seconds 10] [--rounds 3] [--storm search] [--database embedded]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cursorOf } from '../dist/src/http/pagination.js';
import { startDatabase } from './database.mjs';
import { median, send } from './measure.mjs';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    storm: { type: 'string' },
    database: { type: 'string' },
  },
});
const PORT = 3817;
/** Measured requests of a kind per second. */
const RATE = 40;
const WARM_UP_S = 3;
const BOARD = '/boards/storm/posts';
/** Result of a request whose connection was closed. */
const FAILED = { status: 999, headers: {} };

/** Characters that become up to six each by NFKC: 93 characters with about 350 pairs of neighbours. */
const SQUARES = String.fromCodePoint(
  ...Array.from({ length: 0x3358 - 0x3300 }, (_, i) => 0x3300 + i),
  ...Array.from({ length: 5 }, (_, i) => 0x337b + i),
);
const LATEST = { at: 253_402_300_799_999, id: 'ffffffff-ffff-4fff-bfff-ffffffffffff', part: 'title' };
/** A forged cursor, without list tag, from the year 9999. */
const forgedCursor = Buffer.from(JSON.stringify(LATEST)).toString('base64url');

/**
 * Storms of one client or account, with at most `perSecond` requests per second, and at most `concurrency` at the same time.
 * `request` returns the n-th request to a `server` ({@link start}).
 */
const STORMS = [
  {
    // The baseline for the other storms: the cost of any flood.
    name: 'control: cheap requests',
    concurrency: 12,
    perSecond: 40,
    request: () => ({ path: '/health/live' }),
  },
  {
    name: 'search with a forged cursor',
    concurrency: 12,
    perSecond: 40,
    request: () => ({ path: `${BOARD}?q=${encodeURIComponent(SQUARES)}&cursor=${forgedCursor}` }),
  },
  {
    name: 'search for many pairs',
    concurrency: 12,
    perSecond: 40,
    request: () => ({ path: `${BOARD}?q=${encodeURIComponent(SQUARES)}` }),
  },
  {
    name: 'search for a letter',
    concurrency: 12,
    perSecond: 40,
    request: (_, n) => ({ path: `${BOARD}?q=${String.fromCharCode(97 + (n % 26))}` }),
  },
  {
    name: 'popular posts from an old snapshot',
    concurrency: 12,
    perSecond: 40,
    request: ({ popular }) => ({ path: `${BOARD}?sort=popular&cursor=${popular}` }),
  },
  {
    name: 'posts of 20,000 characters',
    concurrency: 12,
    perSecond: 40,
    request: ({ token }, n) => ({
      method: 'POST',
      path: BOARD,
      token,
      body: { title: `Storm ${n}`, body: '가나다라마바사 '.repeat(2_500) },
      headers: { 'idempotency-key': `storm-${n}` },
    }),
  },
  {
    name: 'like and unlike',
    concurrency: 12,
    perSecond: 300,
    request: ({ token, post }, n) => ({ method: n % 2 ? 'PUT' : 'DELETE', path: `${post}/like`, token }),
  },
  {
    name: 'session list of an account with the largest number of sessions',
    concurrency: 12,
    perSecond: 40,
    request: ({ token }) => ({ path: '/auth/sessions', token }),
  },
  {
    name: 'wrong passwords for many accounts, from 40 networks of one /48',
    concurrency: 82,
    perSecond: 82,
    request: (_, n) => ({
      method: 'POST',
      path: '/auth/login',
      headers: { 'x-forwarded-for': `2001:db8:1:${(n % 40).toString(16)}::1` },
      body: { email: `person-${n}@example.com`, password: 'not the password' },
    }),
  },
  {
    name: 'account deletion with wrong passwords',
    concurrency: 12,
    perSecond: 40,
    request: ({ token }) => ({
      method: 'DELETE',
      path: '/auth/account',
      token,
      body: { password: 'not the password' },
    }),
  },
];

/** Ordinary requests. None should take more than twice as long during a storm. */
const ORDINARY = [
  { name: 'GET /boards', request: () => ({ path: '/boards' }) },
  { name: 'GET /users/me', request: ({ token }) => ({ path: '/users/me', token }) },
  { name: 'POST /auth/refresh', request: ({ refresh }) => refresh() },
];

const databases = [
  { name: 'embedded', start: startEmbedded },
  { name: 'PostgreSQL', start: () => startDatabase(3818) },
].filter(({ name }) => options.database === undefined || name === options.database);
for (const { name, start: open } of databases) {
  const database = await open();
  if (name === 'PostgreSQL' && database.inProcess) continue;
  try {
    await measure(name, database);
  } finally {
    await database.stop();
  }
}

async function measure(name, database) {
  const storms = STORMS.filter((storm) => options.storm === undefined || storm.name.includes(options.storm));
  const idle = new Map();
  const during = new Map(storms.map((storm) => [storm, { p99s: new Map(), statuses: new Map() }]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const storm of storms) {
      // A new server for each storm, with unused rate limits.
      const server = await start(database);
      try {
        // A cold server is slow, and would make the ratio of every storm small.
        await ordinary(server, WARM_UP_S);
        add(idle, await ordinary(server));
        const { p99s, statuses } = during.get(storm);
        const end = startStorm(server, storm, statuses);
        await sleep(250);
        add(p99s, await ordinary(server));
        await end();
      } finally {
        await server.stop();
      }
    }
  }
  for (const [storm, { p99s, statuses }] of during) {
    const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
    console.log(`\n${name}, ${storm.name}, ${storm.perSecond} a second: ${answers}`);
    for (const { name: request } of ORDINARY) {
      const [before, after] = [median(idle.get(request)), median(p99s.get(request))];
      console.log(
        `  p99 of ${request.padEnd(20)} ${before.toFixed(1).padStart(8)} ms idle ${after.toFixed(1).padStart(8)} ms ` +
          `during the storm ${(after / before).toFixed(2).padStart(6)} ×`,
      );
    }
  }
}

function add(all, measured) {
  for (const [name, p99] of measured) all.set(name, [...(all.get(name) ?? []), p99]);
}

/** Returns the p99 (ms) of each of {@link ORDINARY}. Requests are sent on schedule, also while earlier ones are pending. */
async function ordinary(server, seconds = Number(options.seconds)) {
  const agent = new Agent({ keepAlive: true });
  const p99s = await Promise.all(
    ORDINARY.map(async ({ name, request }, i) => {
      await sleep((1_000 / RATE / ORDINARY.length) * i);
      const taken = [];
      for (let n = 0; n < seconds * RATE; n++) {
        taken.push(timed(server, request, agent));
        await sleep(1_000 / RATE);
      }
      const sorted = (await Promise.all(taken)).toSorted((a, b) => a - b);
      return [name, sorted[Math.floor(sorted.length * 0.99)]];
    }),
  );
  agent.destroy();
  return p99s;
}

/** Returns the duration (ms) of a request; `Infinity` if it fails or is refused. */
async function timed(server, request, agent) {
  const { done = () => {}, ...asked } = request(server);
  const begin = performance.now();
  const answer = await send(PORT, asked.path, { ...asked, agent }).catch(() => FAILED);
  done(answer);
  return answer.status < 300 ? performance.now() - begin : Infinity;
}

/** Sends requests of a storm until the returned function is called. */
function startStorm(server, { concurrency, perSecond, request }, statuses) {
  const agent = new Agent({ keepAlive: true });
  const storm = { over: false };
  let sent = 0;
  let next = performance.now();
  const ended = Array.from({ length: concurrency }, async () => {
    while (!storm.over) {
      const wait = next - performance.now();
      next += 1_000 / perSecond;
      if (wait > 0) await sleep(wait);
      const asked = request(server, sent++);
      const { status } = await send(PORT, asked.path, { ...asked, agent }).catch(() => FAILED);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  return async () => {
    storm.over = true;
    await Promise.all(ended);
    agent.destroy();
  };
}

/** Starts a server with a board, an account and its sessions. */
async function start(database) {
  const child = fork(fileURLToPath(new URL('daemun-server.mjs', import.meta.url)), [String(PORT)], {
    env: {
      ...process.env,
      ...database.env,
      ...(database.url && { DATABASE_URL: database.url }),
      SESSIONS: '50',
      BOARD: 'storm',
      LOG_LEVEL: 'info',
      RATE_LIMIT_FACTOR: '1',
      TRUST_PROXY: '1',
      AUTH_SECRET: 'a-secret-for-the-benchmark-only-0123456789',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const ready = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    void exited.then((code) => reject(new Error(`the server ended with ${code}`)));
  });
  const position = { popularity: Math.floor(Date.now() / 1_000), id: LATEST.id, snapshot: '1:1:' };
  const popular = cursorOf(`popular ${ready.boardId}`, position);
  return {
    ...ready,
    popular,
    refresh: refreshing(ready.cookies),
    stop: () => {
      child.kill();
      return exited;
    },
  };
}

/** Returns a function that gives refresh requests of one session after the other, each with its newest token. */
function refreshing(cookies) {
  const free = [...cookies];
  return () => {
    const token = free.shift();
    return {
      method: 'POST',
      path: '/auth/refresh',
      headers: { cookie: `refresh=${token}` },
      done: ({ headers }) => free.push(/refresh=([^;]+)/.exec(String(headers['set-cookie']))?.[1] ?? token),
    };
  };
}

async function startEmbedded() {
  const dir = mkdtempSync(join(tmpdir(), 'daemun-bench-'));
  return {
    env: { DATABASE_URL: '', DATA_DIR: dir },
    stop: async () => rmSync(dir, { recursive: true, force: true }),
  };
}
