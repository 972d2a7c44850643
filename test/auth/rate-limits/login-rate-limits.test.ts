import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { BoundedMemoryLimiter } from '../../../src/rate-limits/bounded-memory.js';
import { clientOf } from '../../../src/rate-limits/client-address.js';
import { LoginRateLimits } from '../../../src/auth/rate-limits/login-rate-limits.js';
import { backoffAfter } from '../../../src/auth/rate-limits/password-limits.js';
import { PasswordHashes } from '../../../src/auth/local/password-hashes.js';
import { temporarilyUnavailable } from '../../../src/problems/problem.js';
import { signedIn, type Call } from '../../support/fixtures/actors.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { startDatabase } from '../../support/fixtures/shared-database.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, verifiedPerson } from '../../support/fixtures/people.js';
import { useFullHashCost } from '../../support/argon2.js';
import { describeWith } from '../../support/programs.js';
import { RedisServer } from '../../support/servers/redis-server.js';

let mailbox: Mailbox;
beforeAll(async () => {
  mailbox = await Mailbox.open();
});
afterAll(() => mailbox.close());

const FREE = 10;
const PASSWORD = "one's own password";
/** The forwarded address as a trusted proxy sends it. */
const from = (address: string) => ({ 'x-forwarded-for': address });
const tries = (on: TestApp, email: string, password: string, address = '203.0.113.1') =>
  post(on, '/auth/login', { email, password }, from(address));
async function wrong(on: TestApp, email: string, times: number, address?: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < times; i++) statuses.push((await tries(on, email, 'a wrong guess', address)).status);
  return statuses;
}

describe('rate limits of wrong passwords', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
  });
  afterEach(async () => {
    jest.useRealTimers();
    await app.stop();
  });

  it('begin after the free attempts, alike for known and unknown addresses', async () => {
    const mina = await verifiedPerson(app, mailbox, 'limited');
    for (const email of [mina.email, 'nobody@example.com']) {
      const statuses = await wrong(app, email, FREE + 2);
      expect(statuses).toEqual([...Array<number>(FREE + 1).fill(401), 429]);
      const answer = await tries(app, email, 'a wrong guess');
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({ code: 'too_many_attempts' });
    }
  });

  it('of one client do not lock out the owner on another network', async () => {
    const mina = await verifiedPerson(app, mailbox, 'attacked');
    await wrong(app, mina.email, FREE + 5, '198.51.100.7');
    expect((await tries(app, mina.email, mina.password, '203.0.113.9')).status).toBe(200);
  });

  it('of many clients delay no login by more than ten seconds', async () => {
    const mina = await verifiedPerson(app, mailbox, 'popular');
    let last: Response | undefined;
    for (let i = 0; i < 120; i++) last = await tries(app, mina.email, 'a wrong guess', `198.51.100.${i}`);
    expect(last?.status).toBe(429);
    expect(Number(last?.headers.get('retry-after'))).toBeLessThanOrEqual(10);
  });

  it('are reset by the right password', async () => {
    const mina = await verifiedPerson(app, mailbox, 'absent-minded');
    for (let i = 0; i < 3; i++) {
      await wrong(app, mina.email, FREE - 1);
      expect((await tries(app, mina.email, mina.password)).status).toBe(200);
    }
  });

  it('answer 429 without computing a hash', async () => {
    await wrong(app, 'nobody@example.com', FREE + 1);
    const hashes = app.daemun.app.get(PasswordHashes, { strict: false });
    const before = hashes.load.finished;
    await wrong(app, 'nobody@example.com', 3);
    expect(hashes.load.finished).toBe(before);
  });

  it('do not count attempts that the database outage prevents', async () => {
    await app.database.destroy();
    expect(new Set(await wrong(app, 'nobody@example.com', FREE + 5))).toEqual(new Set([503]));
    await app.database.initialize();
    expect(await wrong(app, 'nobody@example.com', FREE + 2)).toEqual([
      ...Array<number>(FREE + 1).fill(401),
      429,
    ]);
  });

  it('also limit right passwords: a client gets 60 responses an hour per account', async () => {
    const mina = await verifiedPerson(app, mailbox, 'often');
    const statuses: number[] = [];
    for (let i = 0; i < 61; i++) statuses.push((await tries(app, mina.email, mina.password)).status);
    expect(statuses).toEqual([...Array<number>(60).fill(200), 429]);
    const finished = app.daemun.app.get(PasswordHashes).load.finished;
    const answer = await tries(app, mina.email, mina.password);
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(app.daemun.app.get(PasswordHashes).load.finished).toBe(finished);
    expect((await tries(app, mina.email, mina.password, '203.0.113.9')).status).toBe(200);
  });

  it('allow parallel attempts no more guesses than sequential attempts', async () => {
    holdTheClock();
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => tries(app, 'nobody@example.com', 'a wrong guess')),
    );
    expect(answers.filter(({ status }) => status !== 429).length).toBeLessThanOrEqual(FREE + 1);
  });

  it('count only one of the parallel attempts that they refuse', async () => {
    const limits = app.daemun.app.get(LoginRateLimits, { strict: false });
    const pass = holdTheClock();
    const attempts = await Promise.allSettled(
      Array.from({ length: 60 }, () => limits.beginLogin('nobody@example.com', '203.0.113.1')),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(FREE + 1);
    pass(1);
    expect((await tries(app, 'nobody@example.com', 'a wrong guess')).status).toBe(401);
  });

  it('apply to password changes of logged-in users', async () => {
    const mina = await verifiedPerson(app, mailbox, 'changing');
    const { accessToken } = (await (await tries(app, mina.email, mina.password)).json()) as {
      accessToken: string;
    };
    const change = (currentPassword: string) =>
      post(
        app,
        '/auth/change-password',
        { currentPassword, newPassword: 'a better password' },
        { authorization: `Bearer ${accessToken}` },
      );
    for (let i = 0; i <= FREE; i++) expect((await change('a wrong guess')).status).toBe(401);
    expect((await change(mina.password)).status).toBe(429);
  });

  describe.each([
    [
      'change of a password',
      'POST',
      '/auth/change-password',
      (password: string) => ({ currentPassword: password, newPassword: PASSWORD }),
      400,
    ],
    ['link of a provider', 'POST', '/auth/identities/kakao', (password: string) => ({ password }), 200],
  ])('of a logged-in user, at a %s,', (_, method, path, body, right) => {
    let ask: (password: string) => Promise<Response>;
    beforeEach(async () => {
      const { id, call } = await signedIn(app);
      const passwordHash = await app.daemun.app.get(PasswordHashes).hash(PASSWORD);
      await app.database.query('UPDATE auth.accounts SET password_hash = $2 WHERE id = $1', [
        id,
        passwordHash,
      ]);
      ask = (password) => call(method, path, body(password));
    });

    it('also limit right passwords: an account gets 60 comparisons an hour', async () => {
      const statuses: number[] = [];
      for (let i = 0; i < 60; i++) statuses.push((await ask(PASSWORD)).status);
      expect(statuses).toEqual(Array<number>(60).fill(right));
      const { finished } = app.daemun.app.get(PasswordHashes).load;
      const answer = await ask(PASSWORD);
      expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
      expect(app.daemun.app.get(PasswordHashes).load.finished).toBe(finished);
    });

    it('do not count comparisons that the full hash queue refuses', async () => {
      const matches = jest.spyOn(app.daemun.app.get(PasswordHashes), 'matches');
      matches.mockRejectedValue(temporarilyUnavailable('too many are waiting', undefined));
      const statuses: number[] = [];
      for (let i = 0; i < 65; i++) statuses.push((await ask(PASSWORD)).status);
      expect(new Set(statuses)).toEqual(new Set([503]));
      matches.mockRestore();
      expect((await ask('a wrong guess')).status).toBe(401);
      expect((await ask(PASSWORD)).status).toBe(right);
    });
  });
});

/** Freezes the clock of the rate limits. Sockets and the database keep their clocks. Returns a function that advances it. */
function holdTheClock(): (seconds: number) => void {
  jest.useFakeTimers({
    now: Date.now(),
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
    ],
  });
  return (seconds) => {
    jest.advanceTimersByTime(seconds * 1000);
  };
}
const retryAfter = ({ headers }: Response) => Number(headers.get('retry-after'));

describe('an account under a distributed attack', () => {
  let app: TestApp;
  let mina: { email: string; password: string };
  let attackers = 0;
  let pass: (seconds: number) => void;
  const attacker = () => `2001:db8:${(++attackers).toString(16)}::1`;
  const KNOWN = '2001:db8:ffff:ffff::5';

  beforeAll(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
    mina = await verifiedPerson(app, mailbox, 'besieged');
    pass = holdTheClock();
    expect((await tries(app, mina.email, mina.password, KNOWN)).status).toBe(200);
    for (let i = 0; i < 105; i++) await tries(app, mina.email, 'a wrong guess', attacker());
  });
  afterAll(async () => {
    jest.useRealTimers();
    await app.stop();
  });

  it('never delays its owner on a network with earlier logins, also in the same /64', async () => {
    for (const address of [KNOWN, '2001:db8:ffff:ffff:1:2:3:4']) {
      expect((await tries(app, mina.email, mina.password, address)).status).toBe(200);
    }
  });

  it('lets its owner log in from a new network within ten seconds', async () => {
    const first = await tries(app, mina.email, mina.password, '203.0.113.77');
    expect(first.status).toBe(429);
    expect(retryAfter(first)).toBeLessThanOrEqual(10);
    for (let second = 0; second < retryAfter(first); second++) {
      pass(1);
      for (let i = 0; i < 20; i++) await tries(app, mina.email, 'a wrong guess', attacker());
    }
    expect((await tries(app, mina.email, mina.password, '203.0.113.77')).status).toBe(200);
  });

  it('does not penalize its owner for an early retry', async () => {
    let wait = 0;
    for (let i = 0; i < 3 * FREE; i++) {
      const answer = await tries(app, mina.email, mina.password, '203.0.113.78');
      expect(answer.status).toBe(429);
      wait ||= retryAfter(answer);
      expect(retryAfter(answer)).toBeLessThanOrEqual(wait);
    }
    pass(wait);
    expect((await tries(app, mina.email, mina.password, '203.0.113.78')).status).toBe(200);
  });

  it('allows an attacker one guess per backoff interval', async () => {
    const address = attacker();
    const statuses = [];
    for (let i = 0; i < 6; i++) {
      const answer = await tries(app, mina.email, 'a wrong guess', address);
      statuses.push(answer.status);
      if (answer.status === 429) pass(retryAfter(answer));
    }
    expect(statuses).toEqual([429, 401, 429, 401, 429, 401]);
  });

  it('drops the place of a client that returns ten minutes later', async () => {
    const address = attacker();
    expect((await tries(app, mina.email, mina.password, address)).status).toBe(429);
    pass(611);
    expect((await tries(app, mina.email, mina.password, address)).status).toBe(429);
  });

  it('limits a /48 to the guesses of one client after a hundred turns', async () => {
    const others = Array.from({ length: 103 }, (_, i) => `2001:db8:aaaa:${i.toString(16)}::1`);
    const all = async (addresses: string[]) => {
      const statuses = [];
      for (const address of addresses)
        statuses.push((await tries(app, mina.email, 'a wrong guess', address)).status);
      return statuses.filter((status) => status === 401).length;
    };
    expect(await all(others.slice(0, 100))).toBe(0);
    pass(10);
    expect(await all(others.slice(0, 100))).toBe(100);
    expect(await all(others.slice(100))).toBe(0);
    pass(10);
    expect(await all(others.slice(100))).toBe(1);
    expect((await tries(app, mina.email, mina.password, '203.0.113.79')).status).toBe(429);
    pass(10);
    expect((await tries(app, mina.email, mina.password, '203.0.113.79')).status).toBe(200);
  }, 180_000);

  it('has no special limits an hour after the last attack', async () => {
    pass(3_601);
    expect((await tries(app, mina.email, mina.password, attacker())).status).toBe(200);
  });
});

describe('clients behind one address', () => {
  const OFFICE = '198.51.100.200';
  let app: TestApp;
  let mina: { email: string; password: string };
  let newUser: { email: string; password: string };
  let pass: (seconds: number) => void;
  beforeAll(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
    mina = await verifiedPerson(app, mailbox, 'neighbour');
    newUser = await verifiedPerson(app, mailbox, 'first-day');
    // Verifies the addresses first, because mails need a running clock.
    pass = holdTheClock();
  });
  afterAll(async () => {
    jest.useRealTimers();
    await app.stop();
  });

  it('are not delayed by wrong passwords for another account', async () => {
    await wrong(app, 'colleague@example.com', FREE + 5, OFFICE);
    expect((await tries(app, mina.email, mina.password, OFFICE)).status).toBe(200);
  });

  it('are limited after 300 wrong passwords in a minute, unless the account knows them', async () => {
    pass(60);
    expect((await tries(app, mina.email, mina.password, OFFICE)).status).toBe(200);
    for (let i = 0; i < 300; i += 5) {
      const answers = await Promise.all(
        Array.from({ length: 5 }, (_, j) =>
          tries(app, `guess-${i + j}@example.com`, 'a wrong guess', OFFICE),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    }
    const refused = await tries(app, newUser.email, newUser.password, OFFICE);
    expect(refused.status).toBe(429);
    expect(retryAfter(refused)).toBeLessThanOrEqual(60);
    expect((await tries(app, mina.email, mina.password, OFFICE)).status).toBe(200);
    pass(retryAfter(refused));
    expect((await tries(app, newUser.email, newUser.password, OFFICE)).status).toBe(200);
  }, 180_000);
});

describe('wrong passwords for many accounts', () => {
  let app: TestApp;
  let pass: (seconds: number) => void;
  beforeEach(async () => {
    // 9 a minute, 30 an hour and 150 a day per client, and three times as many per /48.
    app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '0.03', TRUST_PROXY: '1' });
  });
  afterEach(async () => {
    jest.useRealTimers();
    await app.stop();
  });
  let guesses = 0;
  const guess = (address: string) => tries(app, `guess-${++guesses}@example.com`, 'a wrong guess', address);
  /** Sends wrong passwords until one is refused, at most 200. Returns the number of comparisons, and `Retry-After` in seconds. */
  async function untilRefused(client: () => string): Promise<{ compared: number; wait: number }> {
    for (let compared = 0; compared < 200; compared++) {
      const answer = await guess(client());
      if (answer.status === 429) return { compared, wait: retryAfter(answer) };
    }
    return { compared: 200, wait: 0 };
  }

  it('are limited by the minute, the hour and the day', async () => {
    pass = holdTheClock();
    const rounds: { compared: number; wait: number }[] = [];
    const all = () => rounds.reduce((sum, { compared }) => sum + compared, 0);
    while (all() < 150) {
      const round = await untilRefused(() => '198.51.100.7');
      rounds.push(round);
      pass(round.wait);
    }
    expect(rounds.slice(0, 4).map(({ compared }) => compared)).toEqual([9, 9, 9, 3]);
    expect(rounds.slice(0, 3).map(({ wait }) => wait <= 60)).toEqual([true, true, true]);
    expect(rounds[3]?.wait).toBeGreaterThan(3_000);
    expect(all()).toBe(150);
    expect(rounds.at(-1)?.wait).toBeGreaterThan(60_000);
  }, 60_000);

  it('are limited per /48, except for clients known to the account', async () => {
    const mina = await verifiedPerson(app, mailbox, 'same-site');
    expect((await tries(app, mina.email, mina.password, '2001:db8:c:ffff::1')).status).toBe(200);
    pass = holdTheClock();
    let client = 0;
    const next = () => `2001:db8:c:${(++client).toString(16)}::1`;
    expect((await untilRefused(next)).compared).toBe(27);
    expect((await tries(app, mina.email, mina.password, '2001:db8:c:ffff::1')).status).toBe(200);
    expect((await guess('2001:db8:d::1')).status).toBe(401);
  });
});

/** Pause of a client after 503. The queue is full all the same, because more clients wait than it holds. */
const RETRY_MS = 50;

/** Clients that send one request after another. Resolves, with a function that ends the flood, after the first 503. */
async function startFlood(
  clients: number,
  send: (client: number) => Promise<Response>,
): Promise<() => Promise<void>> {
  const flooding = new AbortController();
  let refused = () => {};
  const full = new Promise<void>((resolve) => (refused = resolve));
  const flood = Array.from({ length: clients }, async (_, client) => {
    while (!flooding.signal.aborted) {
      if ((await send(client)).status !== 503) continue;
      refused();
      await sleep(RETRY_MS);
    }
  });
  await full;
  return async () => {
    flooding.abort();
    await Promise.all(flood);
  };
}

describe('a flood of passwords from forty /64s of one /48, more than the hash queue holds', () => {
  const KNOWN = '2001:db8:ffff::5';
  useFullHashCost();
  let app: TestApp;
  let mina: { email: string; password: string };
  let endFlood: () => Promise<void>;
  beforeAll(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, TRUST_PROXY: '1' });
    mina = await verifiedPerson(app, mailbox, 'flooded');
    expect((await tries(app, mina.email, mina.password, KNOWN)).status).toBe(200);
    let guesses = 0;
    endFlood = await startFlood(90, (i) => {
      const network = `2001:db8:f:${(i % 40).toString(16)}::1`;
      return tries(app, `guess-${++guesses}@example.com`, 'a wrong guess', network);
    });
  });
  afterAll(async () => {
    await endFlood();
    await app.stop();
  });

  it.each([
    ['known to the account', KNOWN],
    ['of another network', '203.0.113.9'],
  ])('refuses no login from a client %s', async (_, address) => {
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await tries(app, mina.email, mina.password, address)).status);
    expect(statuses).toEqual(Array<number>(6).fill(200));
  });

  it('refuses no registration from another network', async () => {
    const person = { email: 'flooded-too@example.com', password: 'a fine password', nickname: 'Mina' };
    expect((await post(app, '/auth/register', person, from('203.0.113.10'))).status).toBe(202);
  });
});

describe('a flood of right passwords for forty logged-in accounts from one network', () => {
  const KNOWN = '2001:db8:ffff::5';
  useFullHashCost();
  const newPassword = 'the same password';
  let app: TestApp;
  let mina: { email: string; password: string };
  let call: Call;
  let endFlood: () => Promise<void>;
  beforeAll(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, TRUST_PROXY: '1' });
    mina = await verifiedPerson(app, mailbox, 'flooded-inside');
    expect((await tries(app, mina.email, mina.password, KNOWN)).status).toBe(200);
    const passwordHash = await app.daemun.app.get(PasswordHashes).hash(newPassword);
    const people = await Promise.all(Array.from({ length: 41 }, () => signedIn(app)));
    await app.database.query('UPDATE auth.accounts SET password_hash = $1 WHERE email IS NULL', [
      passwordHash,
    ]);
    call = people.pop()!.call;
    const body = { currentPassword: newPassword, newPassword };
    endFlood = await startFlood(people.length, (i) =>
      people[i]!.call('POST', '/auth/change-password', body, from(`198.51.100.${i}`)),
    );
  });
  afterAll(async () => {
    await endFlood();
    await app.stop();
  });

  it('refuses no login from a client known to the account', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await tries(app, mina.email, mina.password, KNOWN)).status);
    expect(statuses).toEqual(Array<number>(6).fill(200));
  });

  it.each([
    [
      'change of a password',
      'POST',
      '/auth/change-password',
      { currentPassword: 'a wrong guess', newPassword },
    ],
    ['reauthentication', 'DELETE', '/auth/account', { password: 'a wrong guess' }],
  ])('refuses no %s from another network', async (_, method, path, body) => {
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await call(method, path, body, from('203.0.113.9'))).status);
    expect(statuses).toEqual(Array<number>(6).fill(401));
  });
});

describe('the rate-limit counters in memory', () => {
  it('are bounded in number, and evict the least recently used', async () => {
    const counters = new BoundedMemoryLimiter({ points: 5, duration: 60 }, 3);
    for (const key of ['a', 'b', 'c', 'a', 'd']) await counters.penalty(key);
    const left = await Promise.all(['a', 'b', 'c', 'd'].map((key) => counters.get(key)));
    expect(left.map((each) => each?.consumedPoints)).toEqual([2, undefined, 1, 1]);
    await counters.delete('a');
    await counters.consume('e');
    await counters.set('f', 4, 60);
    const then = await Promise.all(['c', 'd', 'e', 'f'].map((key) => counters.get(key)));
    expect(then.map((each) => each?.consumedPoints)).toEqual([undefined, 1, 1, 4]);
    await counters.reward('g');
    const last = await Promise.all(['d', 'e', 'f', 'g'].map((key) => counters.get(key)));
    expect(last.map((each) => each?.consumedPoints)).toEqual([undefined, 1, 4, -1]);
  });
});

describe('the client of a rate limit', () => {
  it('is not taken from X-Forwarded-For unless the proxy is trusted', async () => {
    const app = await startApp({ RATE_LIMIT_FACTOR: '1' });
    const statuses = [];
    for (let i = 0; i < FREE + 2; i++) {
      statuses.push((await tries(app, 'nobody@example.com', 'a wrong guess', `198.51.100.${i}`)).status);
    }
    expect(statuses.at(-1)).toBe(429);
    await app.stop();
  });

  it.each(['', 'unknown', 'unix:', '_hidden', '203.0.113.256'])(
    'without an address (%j) is “unknown”',
    (text) => {
      expect(clientOf(text)).toBe('unknown');
    },
  );

  it('is an address without its port', () => {
    expect(clientOf('203.0.113.7:40001')).toBe('203.0.113.7');
    expect(clientOf('[2001:db8::9]:40001')).toBe('2001:db8::');
  });

  it('is an IPv4 address, also if it is mapped to IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(clientOf(address)).toBe(address);
        expect(clientOf(`::ffff:${address}`)).toBe(address);
      }),
    );
  });

  it('is a /64 of IPv6', () => {
    const group = fc.integer({ min: 0x1000, max: 0xffff }).map((value) => value.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(half, half, half, half, (net, one, other, otherNet) => {
        const address = (a: string[], b: string[]) => [...a, ...b].join(':');
        expect(clientOf(address(net, one))).toBe(clientOf(address(net, other)));
        fc.pre(net.join() !== otherNet.join());
        expect(clientOf(address(net, one))).not.toBe(clientOf(address(otherNet, one)));
      }),
    );
  });
});

describe('the login backoff', () => {
  it('doubles from one second to its maximum after the free attempts', () => {
    const policy = { free: 3, maxS: 900 };
    const pauses = Array.from({ length: 16 }, (_, i) => backoffAfter(i + 1, policy));
    expect(pauses).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    fc.assert(
      fc.property(fc.nat(), (attempts) => {
        expect(backoffAfter(attempts, policy)).toBeLessThanOrEqual(900);
      }),
    );
  });
});

describe('rate-limited routes', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
  });
  afterAll(() => app.stop());

  it.each([
    ['/auth/register', { email: 'x', password: 'y', nickname: 'z' }, 400],
    ['/auth/verify-email/resend', { email: 'x' }, 400],
    ['/auth/forgot-password', { email: 'x' }, 400],
    ['/auth/verify-email', { token: 'x' }, 100],
    ['/auth/reset-password', { token: 'x', password: 'y' }, 100],
  ])('limit one client: %s', async (path, body, times) => {
    const address = `203.0.113.${path.length}`;
    const statuses = new Set<number>();
    for (let i = 0; i < times; i++) statuses.add((await post(app, path, body, from(address))).status);
    expect(statuses.has(429)).toBe(false);
    const answer = await post(app, path, body, from(address));
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await post(app, path, body, from('203.0.113.250'))).status).not.toBe(429);
  });

  it.each([
    ['/auth/register', { email: 'x', password: 'y', nickname: 'z' }, 400],
    ['/auth/forgot-password', { email: 'x' }, 400],
  ])('limit the clients of one /48 together: %s', async (path, body, times) => {
    const statuses: number[] = [];
    for (let i = 0; i <= times; i++) {
      const client = `2001:db8:${path.length.toString(16)}:${i.toString(16)}::1`;
      statuses.push((await post(app, path, body, from(client))).status);
    }
    expect(statuses.indexOf(429)).toBe(times);
  });

  it('that send mail allow a /48 two hundred different addresses an hour', async () => {
    const own = await startApp({ RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
    const ask = (n: number, site = 'a') =>
      post(
        own,
        ['/auth/forgot-password', '/auth/verify-email/resend'][n % 2]!,
        { email: `someone-${n}@example.com` },
        from(`2001:db8:${site}:${n.toString(16)}::1`),
      );
    const statuses: number[] = [];
    for (let n = 0; n < 202; n++) statuses.push((await ask(n)).status);
    expect(statuses).toEqual([...Array<number>(200).fill(202), 429, 429]);
    expect((await ask(199)).status).toBe(202);
    const registration = { email: 'someone-202@example.com', password: 'a fine password', nickname: 'Mina' };
    expect((await post(own, '/auth/register', registration, from('2001:db8:a::1'))).status).toBe(429);
    expect((await ask(201, 'b')).status).toBe(202);
    await own.stop();
  });

  it('that send mail are not limited per /48 for a client known to the account', async () => {
    const own = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '0.05', TRUST_PROXY: '1' });
    const mina = await verifiedPerson(own, mailbox, 'forgetful');
    expect((await tries(own, mina.email, mina.password, '2001:db8:a::1')).status).toBe(200);
    const forget = async (email: string, client: string) =>
      (await post(own, '/auth/forgot-password', { email }, from(client))).status;
    for (let n = 0; n < 10; n++) await forget(`someone-${n}@example.com`, '2001:db8:a:b::1');
    expect(await forget(mina.email, '2001:db8:a:b::1')).toBe(429);
    expect(await forget(mina.email, '2001:db8:a::2')).toBe(202);
    expect(await forget('someone-10@example.com', '2001:db8:a::2')).toBe(429);
    await own.stop();
  });

  it('do not include starts of provider logins, since many users share an address', async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 500; i += 20) {
      const starts = Array.from({ length: 20 }, () =>
        fetch(`${app.url}/auth/kakao`, { redirect: 'manual', headers: from('203.0.113.77') }),
      );
      for (const { status } of await Promise.all(starts)) statuses.add(status);
    }
    expect(statuses).toEqual(new Set([302]));
  });
});

describeWith(['postgres', 'redis'], 'rate limits of two processes', () => {
  it('share their counters in Redis, and continue per process while Redis is down', async () => {
    const [postgres, redis] = await Promise.all([startDatabase(), RedisServer.start()]);
    const env = {
      DATABASE_URL: postgres.url,
      AUTH_SECRET: randomBytes(32).toString('base64'),
      REDIS_URL: redis.url,
      RATE_LIMIT_FACTOR: '1',
      TRUST_PROXY: '1',
    };
    const apps = await Promise.all([startApp(env), startApp(env)]);
    const statuses: number[] = [];
    for (let i = 0; i < FREE + 2; i++) {
      statuses.push((await tries(apps[i % 2 === 0 ? 0 : 1], 'nobody@example.com', 'a wrong guess')).status);
    }
    expect(statuses).toEqual([...Array<number>(FREE + 1).fill(401), 429]);
    expect(String(await redis.command('KEYS', '*'))).not.toContain('example.com');
    await redis.kill();
    expect(await wrong(apps[0], 'other@example.com', FREE + 2)).toEqual([
      ...Array<number>(FREE + 1).fill(401),
      429,
    ]);
    await Promise.all(apps.map((app) => app.stop()));
    await Promise.all([postgres.stop(), redis.stop()]);
  }, 60_000);
});
