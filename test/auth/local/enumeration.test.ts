import { hash } from '@node-rs/argon2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { AuthRetention } from '../../../src/auth/auth-retention.js';
import { PasswordHashes } from '../../../src/auth/local/password-hashes.js';
import { useFullHashCost } from '../../support/argon2.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, register, verifiedPerson } from '../../support/fixtures/people.js';

let mailbox: Mailbox;
let app: TestApp;
let known: { email: string; password: string; nickname: string };
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startApp({ MAIL_URL: mailbox.url, TRUST_PROXY: '1' });
  known = await verifiedPerson(app, mailbox, 'known');
  await register(app, mailbox, { ...known, email: 'waiting@example.com' });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

/** Samples of each request: fewer where the difference would be a password hash, which takes most of the time. */
const SAMPLES = { hash: 40, mail: 80 } as const;
/** A deviation of this many standard deviations occurs once in 100,000 samples without a difference. */
const SUSPICIOUS = 4.4;

/** Returns the absolute z of the Mann-Whitney U test: the evidence that two samples differ. */
function distance(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, first: 1 })), ...b.map((value) => ({ value, first: 0 }))];
  all.sort((x, y) => x.value - y.value);
  const ranks = all.reduce((sum, { first }, i) => sum + first * (i + 1), 0);
  const [n, m] = [a.length, b.length];
  const mean = (n * (n + m + 1)) / 2;
  return Math.abs(ranks - mean) / Math.sqrt((n * m * (n + m + 1)) / 12);
}

/** Returns the z of the response times of two requests, sent in random order. */
async function compare(
  cost: keyof typeof SAMPLES,
  one: () => Promise<Response>,
  other: () => Promise<Response>,
): Promise<number> {
  const times: [number[], number[]] = [[], []];
  for (const each of [one, other]) await (await each()).text();
  while (times.some(({ length }) => length < SAMPLES[cost])) {
    const which = Math.random() < 0.5 ? 0 : 1;
    const begun = performance.now();
    await (await (which === 0 ? one : other)()).text();
    times[which].push(performance.now() - begun);
  }
  return distance(...times);
}

describe('the response time', () => {
  useFullHashCost();

  it.each([
    ['/auth/login', 'hash', (email: string) => ({ email, password: 'a wrong guess' }), 'known'],
    ['/auth/register', 'hash', (email: string) => ({ ...known, email }), 'known'],
    ['/auth/forgot-password', 'mail', (email: string) => ({ email }), 'known'],
    ['/auth/verify-email/resend', 'mail', (email: string) => ({ email }), 'waiting'],
  ] as const)(
    'of %s does not reveal if an address has an account',
    async (path, cost, body, which) => {
      const email = which === 'known' ? known.email : 'waiting@example.com';
      const z = await compare(
        cost,
        () => post(app, path, body(email)),
        () => post(app, path, body('stranger@example.com')),
      );
      expect(z).toBeLessThan(SUSPICIOUS);
    },
    60_000,
  );

  it('of /auth/login does not reveal an account with outdated hash parameters', async () => {
    const old = await verifiedPerson(app, mailbox, 'old-timer');
    const weak = await hash(old.password, { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
    await app.database.query('UPDATE auth.accounts SET password_hash = $1 WHERE email = $2', [
      weak,
      old.email,
    ]);
    // The first such hash teaches this process the extra cost of all later logins. At start the database teaches it.
    const started = await PasswordHashes.of(app.database);
    expect(started.kinds).toEqual([
      expect.stringContaining('m=19456,t=2,'),
      expect.stringContaining('m=8192,t=1,'),
    ]);
    const password = 'a wrong guess';
    const z = await compare(
      'hash',
      () => post(app, '/auth/login', { email: old.email, password }),
      () => post(app, '/auth/login', { email: 'stranger@example.com', password }),
    );
    expect(z).toBeLessThan(SUSPICIOUS);
  }, 60_000);

  it('would reveal a login that costs no hash (control of the measure)', async () => {
    const z = await compare(
      'hash',
      () => post(app, '/auth/login', { email: known.email, password: 'a wrong guess' }),
      () => post(app, '/auth/login', { email: known.email, password: '' }),
    );
    expect(z).toBeGreaterThan(SUSPICIOUS);
  }, 60_000);
});

const NFD = 'Ångström und noch mehr'.normalize('NFD');
const passwords = fc.constantFrom('one fine password', 'another password', NFD, NFD.normalize('NFC'));
/** Calls that anonymous clients can make, with the address if they have one. */
const calls = {
  register: (email: string, password: string) =>
    post(app, '/auth/register', { email, password, nickname: 'Mina' }, ELSEWHERE),
  login: (email: string, password: string) => post(app, '/auth/login', { email, password }, ELSEWHERE),
  resend: (email: string) => post(app, '/auth/verify-email/resend', { email }, ELSEWHERE),
  forgot: (email: string) => post(app, '/auth/forgot-password', { email }, ELSEWHERE),
  verify: () => post(app, '/auth/verify-email', { token: 'a.b.c' }, ELSEWHERE),
  reset: (_: string, password: string) =>
    post(app, '/auth/reset-password', { token: 'a.b.c', password }, ELSEWHERE),
  start: () => fetch(`${app.url}/auth/google`, { redirect: 'manual', headers: ELSEWHERE }),
} as const;
/** A network from which the users of these tests did not register. */
const ELSEWHERE = { 'x-forwarded-for': '203.0.113.1' };
type Step = readonly [keyof typeof calls, password: string, about: 'subject' | 'other'];
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...(Object.keys(calls) as (keyof typeof calls)[])),
  passwords,
  fc.constantFrom('subject', 'subject', 'subject', 'other'),
);

/** Returns everything visible in a response, except values that differ in every response. */
async function visiblePart(answer: Response): Promise<unknown> {
  const headers = Object.fromEntries(answer.headers);
  for (const name of ['date', 'x-request-id', 'content-length']) delete headers[name];
  const withoutValues = (text = '') =>
    text.replaceAll(/=[^;&]*/g, '=').replace(/^oauth-transaction-[^=]+/, 'attempt');
  headers['location'] = withoutValues(headers['location']);
  headers['set-cookie'] = withoutValues(headers['set-cookie']);
  const text = await answer.text();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status: answer.status, headers, body: { ...body, requestId: '' } };
}

let subjects = 0;
const newSubject = () => `subject-${++subjects}@example.com`;

/** Makes the calls in sequence. Returns all responses and the number of hashes that they cost. */
async function answersTo(steps: readonly Step[], subject: string, other: string): Promise<unknown[]> {
  const hashes = app.daemun.app.get(PasswordHashes, { strict: false });
  const answers: unknown[] = [];
  for (const [call, password, about] of steps) {
    const before = hashes.load.finished;
    const answer = await visiblePart(await calls[call](about === 'subject' ? subject : other, password));
    answers.push({ call, answer, hashes: hashes.load.finished - before });
  }
  return answers;
}

describe('the responses to three calls in a row', () => {
  /** Known addresses by their state. None has a password of the calls. */
  const KNOWN: Record<string, () => Promise<string>> = {
    'an account with a password': async () =>
      (await verifiedPerson(app, mailbox, `subject-${++subjects}`)).email,
    'an account without a password': async () => {
      const email = await KNOWN['an account with a password']!();
      await app.database.query('UPDATE auth.accounts SET password_hash = NULL WHERE email = $1', [email]);
      return email;
    },
    'an account that is disabled': async () => {
      const email = await KNOWN['an account with a password']!();
      await app.database.query("UPDATE auth.accounts SET status = 'disabled' WHERE email = $1", [email]);
      return email;
    },
    'a registration that waits': async () => {
      const email = newSubject();
      await register(app, mailbox, { email, password: 'yet another password', nickname: 'Mina' });
      return email;
    },
  };

  it.each(Object.keys(KNOWN))(
    'do not reveal an address that has %s',
    async (kind) => {
      const registerAndLogIn: Step[] = [
        ['register', 'one fine password', 'subject'],
        ['login', 'one fine password', 'subject'],
      ];
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 3 }), async (steps) => {
          const known = await KNOWN[kind]!();
          expect(await answersTo(steps, known, newSubject())).toEqual(
            await answersTo(steps, newSubject(), newSubject()),
          );
        }),
        {
          numRuns: 20,
          examples: [
            [registerAndLogIn],
            [[['register', 'another password', 'subject'], ...registerAndLogIn]],
            [[...registerAndLogIn, ['login', 'another password', 'subject']]],
          ],
        },
      );
    },
    120_000,
  );

  it('do not reveal an address by any number of logins up to the rate limit', async () => {
    const own = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1' });
    const { email } = await verifiedPerson(own, mailbox, 'limited-alike');
    const password = 'one fine password';
    const codes = async (address: string) => {
      await post(own, '/auth/register', { email: address, password, nickname: 'Mina' });
      const all: unknown[] = [];
      for (let i = 0; i < 12; i++) {
        const answer = await post(own, '/auth/login', { email: address, password });
        all.push(((await answer.json()) as { code: string }).code);
      }
      return all;
    };
    const known = await codes(email);
    expect(known).toEqual([...Array<string>(11).fill('email_not_verified'), 'too_many_attempts']);
    expect(await codes(newSubject())).toEqual(known);
    await own.stop();
  });
});

describe('registration of an address that already has an account', () => {
  const password = 'one fine password';
  const logIn = async (email: string, with_: string) => {
    const answer = await post(app, '/auth/login', { email, password: with_ });
    return answer.status === 200 ? 200 : ((await answer.json()) as { code: string }).code;
  };
  const again = (email: string) => register(app, mailbox, { email, password, nickname: 'Mina' });
  const expire = (email: string) =>
    app.database.query(
      "UPDATE auth.accounts SET registered_at = registered_at - interval '8 days' WHERE email = $1",
      [email],
    );

  it('opens no session and keeps the password of the account', async () => {
    const owner = await verifiedPerson(app, mailbox, 'registered-again');
    await again(owner.email);
    expect(await logIn(owner.email, password)).toBe('email_not_verified');
    expect(await logIn(owner.email, owner.password)).toBe(200);
    expect(await logIn(owner.email, password)).toBe('email_not_verified');
  });

  it('has its mail sent again like any pending registration', async () => {
    const owner = await verifiedPerson(app, mailbox, 'asking-again');
    const { subject } = await again(owner.email);
    await post(app, '/auth/verify-email/resend', { email: owner.email });
    const mails = await mailbox.waitFor(owner.email, 3);
    expect(mails.at(-1)?.subject).toBe(subject);
  });

  it('does not lock out an owner with the same password as the account', async () => {
    const owner = await verifiedPerson(app, mailbox, 'forgetful');
    await register(app, mailbox, owner);
    expect(await logIn(owner.email, owner.password)).toBe(200);
  });

  it('is completed like any registration when the owner chooses another password', async () => {
    const owner = await verifiedPerson(app, mailbox, 'resetting');
    await again(owner.email);
    const before = mailbox.mails.filter(({ to }) => to === owner.email).length;
    await post(app, '/auth/forgot-password', { email: owner.email });
    const mail = (await mailbox.waitFor(owner.email, before + 1)).at(-1);
    const token = /#reset-password=(\S+)/.exec(mail?.text ?? '')?.[1];
    const reset = await post(app, '/auth/reset-password', { token, password: 'the owner chose this' });
    expect(reset.status).toBe(204);
    expect(await logIn(owner.email, password)).toBe('credentials_invalid');
    expect(await logIn(owner.email, 'the owner chose this')).toBe(200);
  });

  it('stays pending for a week, like that of an unknown address', async () => {
    const owner = await verifiedPerson(app, mailbox, 'after-a-week');
    for (const email of [owner.email, newSubject()]) {
      await again(email);
      await expire(email);
      expect(await logIn(email, password)).toBe('credentials_invalid');
      await again(email);
      expect(await logIn(email, password)).toBe('email_not_verified');
    }
  });

  it('is deleted after a week, and the account remains', async () => {
    const owner = await verifiedPerson(app, mailbox, 'tidied');
    await again(owner.email);
    await expire(owner.email);
    await app.daemun.app.get(AuthRetention, { strict: false }).run();
    expect(
      await app.database.query('SELECT registration_hash FROM auth.accounts WHERE email = $1', [owner.email]),
    ).toEqual([{ registration_hash: null }]);
  });
});
