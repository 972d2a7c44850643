import { hash } from '@node-rs/argon2';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { dictionary } from '@zxcvbn-ts/language-common';
import fc from 'fast-check';
import { Account } from '../../../src/auth/accounts/account.entity.js';
import { OneTimeTokens } from '../../../src/auth/local/one-time-tokens.js';
import { SessionStore } from '../../../src/auth/sessions/session-store.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { whileSlow } from '../../support/late-commit.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, register, verifiedPerson } from '../../support/fixtures/people.js';
import { json } from '../../support/fixtures/actors.js';

let mailbox: Mailbox;
let app: TestApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startApp({ MAIL_URL: mailbox.url });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

const logIn = (email: string, password: string) => post(app, '/auth/login', { email, password });
/** Returns the code of a problem response, or undefined. */
const code = async (response: Response) =>
  (JSON.parse((await response.text()) || '{}') as { code?: string }).code;
const cookieOf = (response: Response) =>
  /^refresh=([^;]+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1] ?? '';
const refresh = (cookie: string) => post(app, '/auth/refresh', '', { cookie: `refresh=${cookie}` });
async function session(email: string, password: string) {
  const answer = await logIn(email, password);
  const { accessToken } = (await answer.json()) as { accessToken: string };
  return { cookie: cookieOf(answer), accessToken, authorization: `Bearer ${accessToken}` };
}
/** Requests a reset link and returns its token from the mail. */
async function forgot(email: string): Promise<string> {
  const before = mailbox.mails.filter(({ to }) => to === email).length;
  expect((await post(app, '/auth/forgot-password', { email })).status).toBe(202);
  const mail = (await mailbox.waitFor(email, before + 1)).at(-1);
  return /#reset-password=(\S+)/.exec(mail?.text ?? '')?.[1] ?? 'no link';
}
/** Requests that change the credentials or delete the account of a user with a session and a reset link. */
const CHANGES = {
  'POST /auth/change-password': ({ password }, { authorization }) =>
    post(
      app,
      '/auth/change-password',
      { currentPassword: password, newPassword: 'a better password' },
      { authorization },
    ),
  'POST /auth/reset-password': (_, _session, token) => reset(token, 'a better password'),
  'DELETE /auth/account': (_, { authorization }) =>
    fetch(`${app.url}/auth/account`, { method: 'DELETE', headers: { authorization } }),
} satisfies Record<
  string,
  (
    person: { readonly password: string },
    session: { readonly authorization: string },
    token: string,
  ) => Promise<Response>
>;
const reset = (token: string, password: string) => post(app, '/auth/reset-password', { token, password });
const eventsOf = async ({ authorization }: { authorization: string }) => {
  const answer = await fetch(`${app.url}/auth/events`, { headers: { authorization } });
  return ((await answer.json()) as { items: { kind: string; details: object }[] }).items;
};

type Change = keyof typeof CHANGES;
describe.each(Object.keys(CHANGES) as Change[])('%s', (name) => {
  it('succeeds while other processes cannot be told of the ended sessions', async () => {
    const { elsewhere, answer } = (await untold())[name];
    expect(answer.status).toBe(204);
    expect(await code(await refresh(elsewhere.cookie))).toBe('session_ended');
  });

  it('changes nothing when its response is lost, and can be repeated', async () => {
    const { elsewhere, send, answer } = (await late())[name];
    expect(answer.status).toBe(503);
    expect((await refresh(elsewhere.cookie)).status).toBe(200);
    expect((await send()).status).toBe(204);
  });
});

/** Prepares all changes. */
async function arrange(round: string) {
  const all = (Object.keys(CHANGES) as Change[]).map(async (name) => {
    const mina = await verifiedPerson(app, mailbox, `${round}-${name.length}`);
    const here = await session(mina.email, mina.password);
    const elsewhere = await session(mina.email, mina.password);
    const token = await forgot(mina.email);
    return { name, elsewhere, send: () => CHANGES[name](mina, here, token) };
  });
  return Promise.all(all);
}
type Arranged = Awaited<ReturnType<typeof arrange>>[number];

/** Sends all changes at once, because each response takes as long as it may. */
async function sendAll(arranged: readonly Arranged[]) {
  const sent = arranged.map(async (each) => [each.name, { ...each, answer: await each.send() }] as const);
  return Object.fromEntries(await Promise.all(sent)) as Record<Change, Arranged & { answer: Response }>;
}

/** Returns a function that does the work at its first call. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}

const untold = once(async () => {
  const arranged = await arrange('untold');
  const store = app.daemun.app.get(SessionStore, { strict: false });
  const evict = jest.spyOn(store, 'evictEverywhere').mockReturnValue(new Promise(() => {}));
  const sent = await sendAll(arranged);
  evict.mockRestore();
  return sent;
});
const late = once(async () => {
  const arranged = await arrange('late');
  const { answer, finished } = await whileSlow(app, 'endAllOf', () => sendAll(arranged));
  await finished;
  return answer;
});

describe('a password reset', () => {
  it('sets the new password by the mailed link, and ends all sessions', async () => {
    const mina = await verifiedPerson(app, mailbox, 'forgetful');
    const before = await session(mina.email, mina.password);
    const token = await forgot(mina.email);
    expect((await reset(token, 'a better password')).status).toBe(204);
    expect(await code(await refresh(before.cookie))).toBe('session_ended');
    const me = await fetch(`${app.url}/users/me`, { headers: { authorization: before.authorization } });
    expect(await code(me)).toBe('session_ended');
    expect((await logIn(mina.email, mina.password)).status).toBe(401);
    const after = await session(mina.email, 'a better password');
    expect((await eventsOf(after)).map(({ kind }) => kind)).toContain('password_reset');
  });

  it('notifies the owner by mail', async () => {
    const mina = await verifiedPerson(app, mailbox, 'informed');
    await reset(await forgot(mina.email), 'a better password');
    const mails = await mailbox.waitFor(mina.email, 3);
    expect(mails.at(-1)?.subject).toMatch(/비밀번호가 바뀌었습니다/);
  });

  it('works exactly once per link in parallel requests', async () => {
    const mina = await verifiedPerson(app, mailbox, 'raced');
    const token = await forgot(mina.email);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => reset(token, `password number ${i}`)),
    );
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(7);
    expect(await code(await reset(token, 'yet another one'))).toBe('token_invalid');
  });

  it('changes nothing when the account was deleted after the mail was sent', async () => {
    const mina = await verifiedPerson(app, mailbox, 'leaver');
    const { authorization } = await session(mina.email, mina.password);
    const { id } = await app.database.getRepository(Account).findOneByOrFail({ email: mina.email });
    await fetch(`${app.url}/auth/account`, { method: 'DELETE', headers: { authorization } });
    const grant = { accountId: id, passwordHash: null, nickname: null };
    const late = await app.daemun.app.get(OneTimeTokens).issue('reset-password', grant);
    expect(await code(await reset(late, 'a better password'))).toBe('token_invalid');
    expect(await app.database.getRepository(Account).findOneBy({ id })).toMatchObject({ passwordHash: null });
  });

  it('invalidates older reset links', async () => {
    const mina = await verifiedPerson(app, mailbox, 'twice');
    const [first, second] = [await forgot(mina.email), await forgot(mina.email)];
    expect((await reset(second, 'a better password')).status).toBe(204);
    expect((await reset(first, 'an older link')).status).toBe(400);
  });

  it('is accepted for one hour after its mail', async () => {
    const mina = await verifiedPerson(app, mailbox, 'late');
    const token = await forgot(mina.email);
    await app.database.query(`UPDATE auth.one_time_tokens SET expires_at = expires_at - interval '1 hour'`);
    expect(await code(await reset(token, 'a better password'))).toBe('token_invalid');
  });

  it('does not use up the link when the new password is refused', async () => {
    const mina = await verifiedPerson(app, mailbox, 'stubborn');
    const token = await forgot(mina.email);
    for (const bad of ['short', 'password1', mina.email, mina.nickname]) {
      const answer = await reset(token, bad);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: 'validation_failed',
        errors: [{ pointer: '/password' }],
      });
    }
    expect((await reset(token, 'a better password')).status).toBe(204);
  });

  it('refuses cross-origin requests (CSRF) without using up the link', async () => {
    const mina = await verifiedPerson(app, mailbox, 'forged-reset');
    const body = { token: await forgot(mina.email), password: 'a better password' };
    const foreign = await post(app, '/auth/reset-password', body, { origin: 'https://evil.example' });
    expect([foreign.status, await code(foreign)]).toEqual([403, 'origin_not_allowed']);
    expect((await post(app, '/auth/reset-password', body)).status).toBe(204);
  });

  it('has the same response for every address, and mails only to accounts', async () => {
    const known = await verifiedPerson(app, mailbox, 'known-one');
    for (const email of [known.email, 'nobody@example.com']) {
      const answer = await post(app, '/auth/forgot-password', { email });
      expect([answer.status, await answer.text()]).toEqual([202, '']);
    }
    await mailbox.waitFor(known.email, 2);
    expect(mailbox.mails.some(({ to }) => to === 'nobody@example.com')).toBe(false);
  });

  it('verifies an address that was never verified', async () => {
    const person = { email: 'unverified@example.com', password: 'somebody chose it', nickname: 'Some' };
    await register(app, mailbox, person);
    expect((await reset(await forgot(person.email), 'the owner chose this')).status).toBe(204);
    expect((await logIn(person.email, person.password)).status).toBe(401);
    const owner = await session(person.email, 'the owner chose this');
    expect((await eventsOf(owner)).map(({ kind }) => kind)).toContain('email_verified');
  });

  it('refuses the token of another kind of mail', async () => {
    const mail = await register(app, mailbox, {
      email: 'mixed@example.com',
      password: 'a fine password',
      nickname: 'Mix',
    });
    const verify = /#verify-email=(\S+)/.exec(mail.text)?.[1] ?? '';
    expect(await code(await reset(verify, 'a better password'))).toBe('token_invalid');
    const token = await forgot('mixed@example.com');
    expect((await post(app, '/auth/verify-email', { token })).status).toBe(400);
  });

  it('is mailed in the browser language of the registration', async () => {
    const person = { email: 'foreign@example.com', password: 'a fine password', nickname: 'Foreign' };
    const mail = await register(app, mailbox, person);
    const token = /#verify-email=(\S+)/.exec(mail.text)?.[1];
    await post(app, '/auth/verify-email', { token }, { 'accept-language': 'en-GB,en;q=0.9,ko;q=0.5' });
    await forgot(person.email);
    expect((await mailbox.waitFor(person.email, 2)).at(-1)?.subject).toBe('Choose a new password');
  });

  it('is mailed in the language of the profile', async () => {
    const mina = await verifiedPerson(app, mailbox, 'english');
    const { authorization } = await session(mina.email, mina.password);
    await fetch(`${app.url}/users/me`, {
      method: 'PATCH',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ locale: 'en' }),
    });
    await forgot(mina.email);
    const mail = (await mailbox.waitFor(mina.email, 2)).at(-1);
    expect(mail?.subject).toBe('Choose a new password');
    expect(mail?.text).not.toMatch(/\p{Script=Hangul}/u);
  });
});

describe('a password change', () => {
  const change = (authorization: string, currentPassword: string, newPassword: string) =>
    post(app, '/auth/change-password', { currentPassword, newPassword }, { authorization });

  it('requires the current password, ends all other sessions and keeps its own', async () => {
    const mina = await verifiedPerson(app, mailbox, 'changer');
    const [here, there] = [
      await session(mina.email, mina.password),
      await session(mina.email, mina.password),
    ];
    expect((await change(here.authorization, mina.password, 'a better password')).status).toBe(204);
    expect((await refresh(here.cookie)).status).toBe(200);
    expect(await code(await refresh(there.cookie))).toBe('session_ended');
    expect((await logIn(mina.email, 'a better password')).status).toBe(200);
    expect((await logIn(mina.email, mina.password)).status).toBe(401);
  });

  it('invalidates reset links that were mailed before', async () => {
    const mina = await verifiedPerson(app, mailbox, 'wary');
    const token = await forgot(mina.email);
    const here = await session(mina.email, mina.password);
    expect((await change(here.authorization, mina.password, 'a better password')).status).toBe(204);
    expect(await code(await reset(token, 'an older link'))).toBe('token_invalid');
  });

  it('is refused without the current password, and changes nothing', async () => {
    const mina = await verifiedPerson(app, mailbox, 'guesser');
    const here = await session(mina.email, mina.password);
    expect(await code(await change(here.authorization, 'a wrong guess', 'a better password'))).toBe(
      'credentials_invalid',
    );
    expect((await logIn(mina.email, mina.password)).status).toBe(200);
  });

  it('to the same password is refused, and ends no session', async () => {
    const mina = await verifiedPerson(app, mailbox, 'unchanging');
    const [here, there] = [
      await session(mina.email, mina.password),
      await session(mina.email, mina.password),
    ];
    const answer = await change(here.authorization, mina.password, mina.password);
    expect([answer.status, await json(answer)]).toMatchObject([
      400,
      { code: 'validation_failed', errors: [{ pointer: '/newPassword' }] },
    ]);
    expect((await refresh(there.cookie)).status).toBe(200);
    expect(await code(await change(here.authorization, 'a wrong guess', 'a wrong guess'))).toBe(
      'credentials_invalid',
    );
  });

  it.each<[string, (own: { email: string; nickname: string }) => string]>([
    ['of 7 characters', () => '1234567'],
    ['common', () => 'password1'],
    ['the address', ({ email }) => email],
    ['the nickname', ({ nickname }) => nickname],
  ])('is refused for a weak new password: %s', async (kind, chosen) => {
    const mina = await verifiedPerson(app, mailbox, kind.replaceAll(' ', '-'));
    const here = await session(mina.email, mina.password);
    const answer = await change(here.authorization, mina.password, chosen(mina));
    expect([answer.status, await json(answer)]).toMatchObject([
      400,
      { code: 'validation_failed', errors: [{ pointer: '/newPassword' }] },
    ]);
  });

  it('wins only once in two parallel requests', async () => {
    const mina = await verifiedPerson(app, mailbox, 'hasty');
    const here = await session(mina.email, mina.password);
    const answers = await Promise.all(
      ['the first of two', 'the second of two'].map((next) =>
        change(here.authorization, mina.password, next),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([204, 401]));
  });

  it('requires a login', async () => {
    expect(await code(await change('', 'one password', 'another password'))).toMatch(/^access_token_/);
  });
});

describe('a password in another Unicode form', () => {
  const [composed, decomposed] = [
    '대문 안으로 들어가'.normalize('NFC'),
    '대문 안으로 들어가'.normalize('NFD'),
  ];

  it('logs in with its hash from before normalization, and then in every form', async () => {
    const { email } = await verifiedPerson(app, mailbox, 'decomposed');
    const passwordHash = await hash(decomposed, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    await app.database.getRepository(Account).update({ email }, { passwordHash });
    expect((await logIn(email, composed)).status).toBe(401);
    expect((await logIn(email, decomposed)).status).toBe(200);
    expect((await logIn(email, composed)).status).toBe(200);
  });

  it.each([
    ['the address', 'ｏｗｎ-Words@example.com'],
    ['the nickname', '가나다라마바사아'.normalize('NFD')],
  ])('is refused as a new password if it equals %s', async (_, password) => {
    const person = { email: 'own-words@example.com', password, nickname: '가나다라마바사아' };
    const answer = await post(app, '/auth/register', person);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ pointer: '/password' }] });
  });
});

describe('a new password', () => {
  const registering = (password: string) =>
    post(app, '/auth/register', { email: 'new@example.com', password, nickname: 'Newcomer' });

  it.each(['password', 'PASSWORD1', 'qwertyuiop', '1q2w3e4r', 'iloveyou'])(
    'is refused if it is common: %s',
    async (password) => {
      const answer = await registering(password);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: 'validation_failed',
        errors: [{ pointer: '/password', detail: expect.stringMatching(/common/) }],
      });
    },
  );

  it('is refused if it is one of the 3,000 most common passwords, in any case', async () => {
    const common = dictionary['passwords-common'].filter(({ length }) => length >= 8).slice(0, 3_000);
    expect(common).toHaveLength(3_000);
    await fc.assert(
      fc.asyncProperty(fc.mixedCase(fc.constantFrom(...common)), async (password) => {
        expect((await registering(password)).status).toBe(400);
      }),
      { numRuns: 100 },
    );
  });

  it('may have any characters, 8 to 128 of them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 9, maxLength: 12 }), async (password) => {
        const length = Array.from(password).length;
        fc.pre(length <= 128 && !password.includes('\0'));
        expect((await registering(`대문 ${password}`)).status).toBe(202);
      }),
      { numRuns: 30 },
    );
  });
});

describe('an outdated password hash', () => {
  it('is replaced at the next login when the hash parameters have changed', async () => {
    const mina = await verifiedPerson(app, mailbox, 'old-timer');
    const weak = await hash(mina.password, { memoryCost: 4_096, timeCost: 1, parallelism: 1 });
    const stored = async () =>
      (
        await app.database.query<[{ password_hash: string }]>(
          'SELECT password_hash FROM auth.accounts WHERE email = $1',
          [mina.email],
        )
      )[0].password_hash;
    await app.database.query('UPDATE auth.accounts SET password_hash = $2 WHERE email = $1', [
      mina.email,
      weak,
    ]);
    expect((await logIn(mina.email, 'a wrong guess')).status).toBe(401);
    expect(await stored()).toBe(weak);
    expect((await logIn(mina.email, mina.password)).status).toBe(200);
    expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await logIn(mina.email, mina.password)).status).toBe(200);
  });
});
