import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rowsOf } from '../../../src/database/rows.js';
import { Outbox } from '../../../src/outbox/outbox.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, register, tokenIn, verifiedPerson } from '../../support/fixtures/people.js';
import { until } from '../../support/until.js';

let mailbox: Mailbox;
let app: TestApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startApp({ MAIL_URL: mailbox.url, MAIL_FROM: 'Gate <gate@example.com>' });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

const logIn = (email: string, password: string) => post(app, '/auth/login', { email, password });
const verify = (token: string) => post(app, '/auth/verify-email', { token });
const code = async (response: Response) => ((await response.json()) as { code: string }).code;

describe('a new database', () => {
  it('has no account', async () => {
    const fresh = await startApp({ MAIL_URL: mailbox.url });
    try {
      expect(await fresh.database.query('SELECT id FROM auth.accounts')).toEqual([]);
    } finally {
      await fresh.stop();
    }
  });
});

describe('registration', () => {
  it('leads from the mailed link to a login', async () => {
    const mina = { email: 'mina@example.com', password: 'correct horse', nickname: 'Mina' };
    const token = tokenIn(await register(app, mailbox, mina));
    const verified = await verify(token);
    expect(verified.status).toBe(200);
    expect(await verified.json()).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: expect.any(Number),
    });
    expect(verified.headers.get('set-cookie')).toMatch(/^refresh=.+HttpOnly/);
    expect((await logIn(mina.email, mina.password)).status).toBe(200);
  });

  it('gives the user a profile with the nickname', async () => {
    const { email } = await verifiedPerson(app, mailbox, 'profiled');
    const [found] = await app.database.query<{ nickname: string }[]>(
      'SELECT p.nickname FROM profile.profiles p JOIN auth.accounts a ON a.id = p.account_id WHERE a.email = $1',
      [email],
    );
    expect(found?.nickname).toBe('profiled');
  });

  it('refuses logins until the address is verified', async () => {
    const person = { email: 'early@example.com', password: 'too early', nickname: 'Early' };
    await register(app, mailbox, person);
    const response = await logIn(person.email, person.password);
    expect(response.status).toBe(403);
    expect(await code(response)).toBe('email_not_verified');
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  it('reveals the missing verification only to a login with the right password', async () => {
    const person = { email: 'quiet@example.com', password: 'quiet password', nickname: 'Quiet' };
    await register(app, mailbox, person);
    const response = await logIn(person.email, 'another password');
    expect([response.status, await code(response)]).toEqual([401, 'credentials_invalid']);
  });
});

describe('the verification mail', () => {
  it('is from MAIL_FROM and carries the token in the fragment of the first web origin', async () => {
    const mail = await register(app, mailbox, {
      email: 'link@example.com',
      password: 'a fine password',
      nickname: 'Link',
    });
    expect(mail.from).toContain('gate@example.com');
    expect(mail.text).toContain(`${app.config.webOrigins[0]}/#verify-email=${tokenIn(mail)}`);
  });

  it('contains no text from the registration', async () => {
    const mail = await register(app, mailbox, {
      email: 'spam@example.com',
      password: 'my own password',
      nickname: 'Buy at evil.example',
    });
    expect(mail.subject + mail.text).not.toMatch(/evil|my own password/);
  });

  it('is sent after the response, also with a slow mail server', async () => {
    const release = mailbox.hold();
    const email = 'slow@example.com';
    const response = await post(app, '/auth/register', {
      email,
      password: 'slow password',
      nickname: 'Slow',
    });
    expect(response.status).toBe(202);
    expect(mailbox.mails.some(({ to }) => to === email)).toBe(false);
    release();
    expect(await mailbox.waitFor(email)).toHaveLength(1);
  });

  it('is retried when the mail server defers it', async () => {
    mailbox.refuse(451);
    const email = 'greylisted@example.com';
    const mail = register(app, mailbox, { email, password: 'a fine password', nickname: 'Grey' });
    const endPause =
      "UPDATE auth.outbox SET due_at = now() WHERE kind = 'mail.send' AND attempts = 1 RETURNING id";
    await until(async () => (await rowsOf(app.database, endPause)).length === 1);
    app.daemun.app.get(Outbox, { strict: false }).wake();
    expect(tokenIn(await mail)).toBeTruthy();
  });

  it('is sent again to an address with a pending registration', async () => {
    const waiting = { email: 'waiting@example.com', password: 'waiting password', nickname: 'Wait' };
    await register(app, mailbox, waiting);
    const response = await post(app, '/auth/verify-email/resend', { email: 'WAITING@example.com' });
    expect([response.status, await response.text()]).toEqual([202, '']);
    const [, again] = await mailbox.waitFor(waiting.email, 2);
    expect((await verify(tokenIn(again!))).status).toBe(200);
    expect((await logIn(waiting.email, waiting.password)).status).toBe(200);
  });

  it('is not sent again to any other address, with the same response', async () => {
    const own = await startApp({ MAIL_URL: mailbox.url });
    const { email } = await verifiedPerson(own, mailbox, 'finished');
    for (const to of [email, 'stranger@example.com']) {
      const response = await post(own, '/auth/verify-email/resend', { email: to });
      expect([response.status, await response.text()]).toEqual([202, '']);
    }
    // The application stops only after its last mail is sent.
    await own.stop();
    expect(mailbox.mails.filter(({ to }) => to === email)).toHaveLength(1);
    expect(mailbox.mails.filter(({ to }) => to === 'stranger@example.com')).toHaveLength(0);
  });
});

describe('the registration that takes effect', () => {
  const email = (name: string) => `${name}@takeover.example`;

  it('is that of the opened mail, not the latest', async () => {
    const owner = { email: email('first'), password: 'the owner chose this', nickname: 'Owner' };
    const mail = await register(app, mailbox, owner);
    await register(app, mailbox, { ...owner, password: 'the attacker did', nickname: 'Attacker' });
    expect((await verify(tokenIn(mail))).status).toBe(200);
    expect((await logIn(owner.email, 'the attacker did')).status).toBe(401);
    expect((await logIn(owner.email, owner.password)).status).toBe(200);
  });

  it('is that of the owner also after an earlier registration by an attacker', async () => {
    const squatter = { email: email('second'), password: 'the attacker did', nickname: 'Attacker' };
    await register(app, mailbox, squatter);
    const mail = await register(app, mailbox, { ...squatter, password: 'the owner chose this' });
    expect((await verify(tokenIn(mail))).status).toBe(200);
    expect((await logIn(squatter.email, squatter.password)).status).toBe(401);
    expect((await logIn(squatter.email, 'the owner chose this')).status).toBe(200);
  });

  it('is final: other verification links for the address become invalid', async () => {
    const owner = { email: email('third'), password: 'the owner chose this', nickname: 'Owner' };
    const mail = await register(app, mailbox, owner);
    const other = await register(app, mailbox, { ...owner, password: 'the attacker did' });
    expect((await verify(tokenIn(mail))).status).toBe(200);
    const late = await verify(tokenIn(other));
    expect([late.status, await code(late)]).toEqual([400, 'token_invalid']);
    expect((await logIn(owner.email, owner.password)).status).toBe(200);
  });

  it('does not change a verified address', async () => {
    const owner = await verifiedPerson(app, mailbox, 'settled');
    const mail = await register(app, mailbox, { ...owner, password: 'the attacker did' });
    expect(mail.text).not.toContain('verify-email');
    // As for an address without an account: the responses must not reveal the difference.
    expect(await code(await logIn(owner.email, 'the attacker did'))).toBe('email_not_verified');
    expect((await logIn(owner.email, owner.password)).status).toBe(200);
  });

  describe('with several pending registrations and a resent mail', () => {
    const owner = { password: 'the owner chose this', nickname: 'Owner' };
    const attacker = { password: 'the attacker did', nickname: 'Attacker' };

    it.each([
      ['an attacker registered last', [owner, attacker]],
      ['an attacker registered first', [attacker, owner]],
    ])('sets no password: %s', async (name, both) => {
      const address = email(name.replaceAll(' ', '-'));
      for (const person of both) await register(app, mailbox, { email: address, ...person });
      await post(app, '/auth/verify-email/resend', { email: address });
      const mails = await mailbox.waitFor(address, 3);
      const verified = await verify(tokenIn(mails.at(-1)!));
      expect(verified.status).toBe(200);
      for (const { password } of both) expect((await logIn(address, password)).status).toBe(401);
      const { accessToken } = (await verified.json()) as { accessToken: string };
      const me = await fetch(`${app.url}/users/me`, { headers: { authorization: `Bearer ${accessToken}` } });
      expect(((await me.json()) as { nickname: string }).nickname).toMatch(/^손님\d{4}$/);
      expect((await verify(tokenIn(mails[0]!))).status).toBe(400);
    });

    it('leads to a password through the reset mail', async () => {
      const address = email('chooses');
      for (const person of [owner, attacker]) await register(app, mailbox, { email: address, ...person });
      await post(app, '/auth/verify-email/resend', { email: address });
      expect((await verify(tokenIn((await mailbox.waitFor(address, 3)).at(-1)!))).status).toBe(200);
      await post(app, '/auth/forgot-password', { email: address });
      const mail = (await mailbox.waitFor(address, 4)).at(-1)!;
      const token = /#reset-password=(\S+)/.exec(mail.text)?.[1];
      expect((await post(app, '/auth/reset-password', { token, password: 'at long last' })).status).toBe(204);
      expect((await logIn(address, 'at long last')).status).toBe(200);
    });

    it('leaves earlier links valid', async () => {
      const address = email('earlier-link');
      const mail = await register(app, mailbox, { email: address, ...owner });
      await register(app, mailbox, { email: address, ...attacker });
      await post(app, '/auth/verify-email/resend', { email: address });
      await mailbox.waitFor(address, 3);
      expect((await verify(tokenIn(mail))).status).toBe(200);
      expect((await logIn(address, owner.password)).status).toBe(200);
    });

    it('explains in each mail the effect of its link', async () => {
      const address = email('told');
      const first = await register(app, mailbox, { email: address, ...owner });
      const later = await register(app, mailbox, { email: address, ...attacker });
      await post(app, '/auth/verify-email/resend', { email: address });
      const again = (await mailbox.waitFor(address, 3)).at(-1)!;
      expect([first, later, again].map(({ text }) => text.includes('registered before this'))).toEqual([
        false,
        true,
        false,
      ]);
      expect([first, later, again].map(({ text }) => text.includes('none of the passwords'))).toEqual([
        false,
        false,
        true,
      ]);
    });

    it('puts no text of an attacker into the result of a reset', async () => {
      const address = email('reset-instead');
      for (const person of [owner, attacker]) await register(app, mailbox, { email: address, ...person });
      const [row] = await app.database.query<{ nickname: string }[]>(
        'SELECT nickname FROM auth.accounts WHERE email = $1',
        [address],
      );
      expect(row?.nickname).toMatch(/^손님/);
    });
  });
});

describe('the registration endpoint', () => {
  it('has the same response for new, pending and verified addresses', async () => {
    const { email: verified } = await verifiedPerson(app, mailbox, 'known');
    await register(app, mailbox, {
      email: 'pending@example.com',
      password: 'a password',
      nickname: 'Pending',
    });
    const seen = await Promise.all(
      ['new@example.com', 'pending@example.com', verified].map(async (email) => {
        const response = await post(app, '/auth/register', {
          email,
          password: 'a fine password',
          nickname: 'N N',
        });
        const headers = [...response.headers.keys()].toSorted();
        return { status: response.status, headers, body: await response.text() };
      }),
    );
    expect(seen[0]).toMatchObject({ status: 202, body: '' });
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  it('treats addresses that differ in case as one account', async () => {
    const shouting = { email: 'LOUD@Example.COM', password: 'a loud password', nickname: 'Loud' };
    expect((await post(app, '/auth/register', shouting)).status).toBe(202);
    const [mail] = await mailbox.waitFor('loud@example.com');
    expect((await verify(tokenIn(mail!))).status).toBe(200);
    expect((await logIn('Loud@example.com', shouting.password)).status).toBe(200);
  });

  it('opens one account for parallel registrations', async () => {
    const person = { email: 'rush@example.com', password: 'a hasty password', nickname: 'Rush' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(app, '/auth/register', person)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
    const rows = await app.database.query('SELECT id FROM auth.accounts WHERE email = $1', [person.email]);
    expect(rows).toHaveLength(1);
    expect(await mailbox.waitFor(person.email, 10)).toHaveLength(10);
  });

  const fine = { email: 'fine@example.com', password: 'a fine password', nickname: 'Fine' };
  it.each([
    ['an invalid address', { ...fine, email: 'nobody' }, '/email'],
    ['two addresses', { ...fine, email: 'a@example.com,b@example.com' }, '/email'],
    ['a header in the address', { ...fine, email: 'a@example.com\r\nBcc: b@example.com' }, '/email'],
    ['a line end after the address', { ...fine, email: 'a@example.com\n' }, '/email'],
    ['a NUL in the address', { ...fine, email: 'a\0@example.com' }, '/email'],
    ['an address of 255 characters', { ...fine, email: `${'a'.repeat(243)}@example.com` }, '/email'],
    ['a password of 7 characters', { ...fine, password: '1234567' }, '/password'],
    ['a password of 7 emoji', { ...fine, password: '🚪'.repeat(7) }, '/password'],
    ['a password of 129 characters', { ...fine, password: 'p'.repeat(129) }, '/password'],
    ['a NUL in the password', { ...fine, password: 'long enough\0' }, '/password'],
    ['the address as the password', { ...fine, password: 'FINE@example.com' }, '/password'],
    [
      'the nickname as the password',
      { ...fine, nickname: 'Fine enough', password: 'fine ENOUGH' },
      '/password',
    ],
    ['a nickname of one character', { ...fine, nickname: ' F ' }, '/nickname'],
    ['a nickname of 21 characters', { ...fine, nickname: 'n'.repeat(21) }, '/nickname'],
    ['a line end in the nickname', { ...fine, nickname: 'Fi\nne' }, '/nickname'],
    ['a NUL in the nickname', { ...fine, nickname: 'Fi\0ne' }, '/nickname'],
    ['a password that is no text', { ...fine, password: 12345678 }, '/password'],
    ['an unknown member', { ...fine, role: 'admin' }, ''],
  ])('refuses %s', async (_, body, pointer) => {
    const response = await post(app, '/auth/register', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'validation_failed', errors: [{ pointer }] });
  });

  it.each(['password', 'nickname'])('refuses a lone surrogate in the %s', async (member) => {
    const body = JSON.stringify({ ...fine, [member]: '#' }).replace('#', String.raw`long enough \ud800`);
    const response = await post(app, '/auth/register', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ pointer: `/${member}` }] });
  });

  it.each([
    ['8 characters', 'a1!b2?c3'],
    ['8 emoji', '🚪'.repeat(8)],
    ['128 emoji', '🚪'.repeat(128)],
    ['spaces around it', '  a fine password  '],
    ['any script', '대문을 열어 주세요'],
  ])('accepts a password of %s, exactly as it was sent', async (_, password) => {
    const email = `p${Buffer.from(password).toString('hex').slice(0, 40)}${password.length}@example.com`;
    await verify(tokenIn(await register(app, mailbox, { ...fine, email, password })));
    expect((await logIn(email, password)).status).toBe(200);
    expect((await logIn(email, password.slice(0, -2))).status).toBe(401);
  });
});

describe('mails that cannot be sent', () => {
  it('are logged by their kind, and fail no request', async () => {
    const unwilling = await Mailbox.open();
    const own = await startApp({ MAIL_URL: unwilling.url });
    unwilling.refuse('550 5.1.1 no such user');
    const email = 'refused@example.com';
    const response = await post(own, '/auth/register', {
      email,
      password: 'a fine password',
      nickname: 'No',
    });
    expect(response.status).toBe(202);
    expect((await fetch(`${own.url}/health/live`)).status).toBe(200);
    await own.stop();
    await unwilling.close();
    const line = own.log.find(({ reason }) =>
      String(reason).startsWith('a verify-email mail was not sent: EENVELOPE 550 5.1.1'),
    );
    expect(line).toMatchObject({ level: 'error' });
    expect(JSON.stringify(own.log)).not.toContain('#verify-email=');
  });

  it('are reported at start and at each mail in production without MAIL_URL', async () => {
    const own = await startApp({
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PUBLIC_URL: 'https://daemun.example',
      TRUST_PROXY: 'none',
      AUTH_SECRET: Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64'),
    });
    const body = { email: 'unsent@example.com', password: 'a fine password', nickname: 'Unsent' };
    expect((await post(own, '/auth/register', body)).status).toBe(202);
    await own.stop();
    expect(own.log).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: expect.stringMatching(/^MAIL_URL/) }),
    );
    expect(own.log).toContainEqual(
      expect.objectContaining({ msg: 'a verify-email mail was not sent: MAIL_URL is not set' }),
    );
  });

  it('are not lost when the process stops', async () => {
    const own = await startApp({ MAIL_URL: mailbox.url });
    const body = { email: 'last@example.com', password: 'a fine password', nickname: 'Last' };
    expect((await post(own, '/auth/register', body)).status).toBe(202);
    await own.stop();
    expect(mailbox.mails.filter(({ to }) => to === body.email)).toHaveLength(1);
  });
});

describe('the log of registrations', () => {
  it('contains no password, hash or token', async () => {
    const person = { email: 'logged@example.com', password: 'unloggable password', nickname: 'Logged' };
    const token = tokenIn(await register(app, mailbox, person));
    await logIn(person.email, person.password);
    await verify(`${token}x`);
    await verify(token);
    await verify(token);
    await logIn(person.email, `${person.password}!`);
    const log = JSON.stringify(app.log);
    expect(log).toContain('token_invalid');
    expect(log).not.toContain(person.password);
    expect(log).not.toContain('argon2');
    for (const part of token.split('.')) expect(log).not.toContain(part);
  });
});
