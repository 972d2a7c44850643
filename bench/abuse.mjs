// What a flood of costly requests costs everyone else: the p99 of ordinary requests while nothing else happens and during
// each storm, and their ratio; with the embedded database and, where it is installed, with PostgreSQL.
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
/** Requests of one kind a second that are measured. */
const RATE = 40;
const WARM_UP_S = 3;
const BOARD = '/boards/storm/posts';
/** The answer of a connection that was closed instead. */
const FAILED = { status: 999, headers: {} };

/** Characters that become up to six each by NFKC: some 350 pairs of neighbours in 93 characters. */
const SQUARES = String.fromCodePoint(
  ...Array.from({ length: 0x3358 - 0x3300 }, (_, i) => 0x3300 + i),
  ...Array.from({ length: 5 }, (_, i) => 0x337b + i),
);
const LATEST = { at: 253_402_300_799_999, id: 'ffffffff-ffff-4fff-bfff-ffffffffffff', part: 'title' };
/** Without the name of a list, and from the year 9999. */
const madeUp = Buffer.from(JSON.stringify(LATEST)).toString('base64url');

/**
 * Requests that one client, or one account, sends: `perSecond` at most, and no more than `atOnce` before they are answered.
 * `request` makes the n-th of a `world` ({@link start}).
 */
const STORMS = [
  {
    // What any flood of one client costs, so that the others can be compared with it.
    name: 'control: requests that cost nothing',
    atOnce: 12,
    perSecond: 40,
    request: () => ({ path: '/health/live' }),
  },
  {
    name: 'search with a made-up cursor',
    atOnce: 12,
    perSecond: 40,
    request: () => ({ path: `${BOARD}?q=${encodeURIComponent(SQUARES)}&cursor=${madeUp}` }),
  },
  {
    name: 'search for many pairs',
    atOnce: 12,
    perSecond: 40,
    request: () => ({ path: `${BOARD}?q=${encodeURIComponent(SQUARES)}` }),
  },
  {
    name: 'search for a letter',
    atOnce: 12,
    perSecond: 40,
    request: (_, n) => ({ path: `${BOARD}?q=${String.fromCharCode(97 + (n % 26))}` }),
  },
  {
    name: 'popular posts from an old snapshot',
    atOnce: 12,
    perSecond: 40,
    request: ({ popular }) => ({ path: `${BOARD}?sort=popular&cursor=${popular}` }),
  },
  {
    name: 'posts of 20,000 characters',
    atOnce: 12,
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
    atOnce: 12,
    perSecond: 300,
    request: ({ token, post }, n) => ({ method: n % 2 ? 'PUT' : 'DELETE', path: `${post}/like`, token }),
  },
  {
    name: 'the sessions of an account that has as many as it may have',
    atOnce: 12,
    perSecond: 40,
    request: ({ token }) => ({ path: '/auth/sessions', token }),
  },
  {
    name: 'wrong passwords for many accounts, from 40 networks of one /48',
    atOnce: 82,
    perSecond: 82,
    request: (_, n) => ({
      method: 'POST',
      path: '/auth/login',
      headers: { 'x-forwarded-for': `2001:db8:1:${(n % 40).toString(16)}::1` },
      body: { email: `person-${n}@example.com`, password: 'not the password' },
    }),
  },
  {
    name: 'wrong passwords of an account that asks to be deleted',
    atOnce: 12,
    perSecond: 40,
    request: ({ token }) => ({
      method: 'DELETE',
      path: '/auth/account',
      token,
      body: { password: 'not the password' },
    }),
  },
];

/** Ordinary requests, of which none may take more than twice as long as without a storm. */
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
      // Each storm meets limits that nobody has used.
      const world = await start(database);
      try {
        // V8 compiles what is asked for often; a cold server would make every storm look harmless.
        await ordinary(world, WARM_UP_S);
        add(idle, await ordinary(world));
        const { p99s, statuses } = during.get(storm);
        const end = rage(world, storm, statuses);
        await sleep(250);
        add(p99s, await ordinary(world));
        await end();
      } finally {
        await world.stop();
      }
    }
  }
  for (const [storm, { p99s, statuses }] of during) {
    const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
    console.log(`\n${name}, ${storm.name}, ${storm.perSecond} a second: ${answers}`);
    for (const { name: which } of ORDINARY) {
      const [still, stormy] = [median(idle.get(which)), median(p99s.get(which))];
      console.log(
        `  p99 of ${which.padEnd(20)} ${still.toFixed(1).padStart(8)} ms idle ${stormy.toFixed(1).padStart(8)} ms ` +
          `during it ${(stormy / still).toFixed(2).padStart(6)} ×`,
      );
    }
  }
}

function add(all, measured) {
  for (const [name, p99] of measured) all.set(name, [...(all.get(name) ?? []), p99]);
}

/** The p99 (ms) of each of {@link ORDINARY}; answers that are late do not keep the next request from being sent. */
async function ordinary(world, seconds = Number(options.seconds)) {
  const agent = new Agent({ keepAlive: true });
  const p99s = await Promise.all(
    ORDINARY.map(async ({ name, request }, i) => {
      await sleep((1_000 / RATE / ORDINARY.length) * i);
      const taken = [];
      for (let n = 0; n < seconds * RATE; n++) {
        taken.push(timed(world, request, agent));
        await sleep(1_000 / RATE);
      }
      const sorted = (await Promise.all(taken)).toSorted((a, b) => a - b);
      return [name, sorted[Math.floor(sorted.length * 0.99)]];
    }),
  );
  agent.destroy();
  return p99s;
}

/** How long (ms) a request takes; one that fails or is refused takes forever. */
async function timed(world, request, agent) {
  const { done = () => {}, ...asked } = request(world);
  const begin = performance.now();
  const answer = await send(PORT, asked.path, { ...asked, agent }).catch(() => FAILED);
  done(answer);
  return answer.status < 300 ? performance.now() - begin : Infinity;
}

/** Sends requests of a storm until the function that it gives is called. */
function rage(world, { atOnce, perSecond, request }, statuses) {
  const agent = new Agent({ keepAlive: true });
  const storm = { over: false };
  let sent = 0;
  let next = performance.now();
  const ended = Array.from({ length: atOnce }, async () => {
    while (!storm.over) {
      const wait = next - performance.now();
      next += 1_000 / perSecond;
      if (wait > 0) await sleep(wait);
      const asked = request(world, sent++);
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

/** A server with a board, someone who is logged in and their sessions. */
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
  const world = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    void exited.then((code) => reject(new Error(`the server ended with ${code}`)));
  });
  const place = { popularity: Math.floor(Date.now() / 1_000), id: LATEST.id, snapshot: '1:1:' };
  const popular = cursorOf(`popular ${world.boardId}`, place);
  return {
    ...world,
    popular,
    refresh: refreshing(world.cookies),
    stop: () => {
      child.kill();
      return exited;
    },
  };
}

/** Refreshes one session after the other, each with the token that it got last. */
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
