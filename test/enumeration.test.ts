import { hash } from '@node-rs/argon2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PasswordHashes } from '../src/auth/local/password-hashes.js';
import { startApp, type TestApp } from './support/app.js';
import { Mailbox } from './support/mailbox.js';
import { post, register, verifiedPerson } from './support/people.js';

let mailbox: Mailbox;
let app: TestApp;
let known: { email: string; password: string; nickname: string };
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startApp({ MAIL_URL: mailbox.url });
  known = await verifiedPerson(app, mailbox, 'known');
  await register(app, mailbox, { ...known, email: 'waiting@example.com' });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

const SAMPLES = 120;
/** So many standard deviations off is one in a hundred thousand where there is no difference. */
const SUSPICIOUS = 4.4;

/** How far two samples are from having been drawn from one: the z of Mann and Whitney's test, without a sign. */
function distance(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, first: 1 })), ...b.map((value) => ({ value, first: 0 }))];
  all.sort((x, y) => x.value - y.value);
  const ranks = all.reduce((sum, { first }, i) => sum + first * (i + 1), 0);
  const [n, m] = [a.length, b.length];
  const mean = (n * (n + m + 1)) / 2;
  return Math.abs(ranks - mean) / Math.sqrt((n * m * (n + m + 1)) / 12);
}

/** How far the times of two requests are apart, asked in an order that nobody can foresee. */
async function compare(one: () => Promise<Response>, other: () => Promise<Response>): Promise<number> {
  const times: [number[], number[]] = [[], []];
  for (const each of [one, other]) await (await each()).text();
  while (times[0].length < SAMPLES || times[1].length < SAMPLES) {
    const which = Math.random() < 0.5 ? 0 : 1;
    const begun = performance.now();
    await (await (which === 0 ? one : other)()).text();
    times[which].push(performance.now() - begun);
  }
  return distance(...times);
}

describe('the time of an answer', () => {
  it.each([
    ['/auth/login', (email: string) => ({ email, password: 'a wrong guess' }), 'known'],
    ['/auth/register', (email: string) => ({ ...known, email }), 'known'],
    ['/auth/forgot-password', (email: string) => ({ email }), 'known'],
    ['/auth/verify-email/resend', (email: string) => ({ email }), 'waiting'],
  ])(
    'of %s does not tell whether the address is known',
    async (path, body, which) => {
      const email = which === 'known' ? known.email : 'waiting@example.com';
      const z = await compare(
        () => post(app, path, body(email)),
        () => post(app, path, body('stranger@example.com')),
      );
      expect(z).toBeLessThan(SUSPICIOUS);
    },
    60_000,
  );

  it('of /auth/login does not tell an account from before the parameters of hashes changed', async () => {
    const old = await verifiedPerson(app, mailbox, 'old-timer');
    const weak = await hash(old.password, { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
    await app.database.query('UPDATE auth.accounts SET password_hash = $1 WHERE email = $2', [
      weak,
      old.email,
    ]);
    // The first that is met teaches the process what everyone pays from then on; at a start the database does.
    const started = await PasswordHashes.of(app.database);
    expect(started.kinds).toEqual([
      expect.stringContaining('m=19456,t=2,'),
      expect.stringContaining('m=8192,t=1,'),
    ]);
    const password = 'a wrong guess';
    const z = await compare(
      () => post(app, '/auth/login', { email: old.email, password }),
      () => post(app, '/auth/login', { email: 'stranger@example.com', password }),
    );
    expect(z).toBeLessThan(SUSPICIOUS);
  }, 60_000);

  it('would tell, by this measure, if one of two log-ins cost no hash', async () => {
    const z = await compare(
      () => post(app, '/auth/login', { email: known.email, password: 'a wrong guess' }),
      () => post(app, '/auth/login', { email: known.email, password: '' }),
    );
    expect(z).toBeGreaterThan(SUSPICIOUS);
  }, 60_000);
});
