import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Account } from '../../src/auth/accounts/account.entity.js';
import { runAdminCommand } from '../../src/auth/accounts/admin-commands.js';
import { emailOf } from '../../src/auth/social/social-profile.js';
import { emailAddress } from '../../src/text/email-address.js';
import { accountIdOf, Browser } from '../support/fixtures/browser.js';
import { Mailbox } from '../support/servers/mailbox.js';
import { post, tokenIn } from '../support/fixtures/people.js';
import { startSocialApp, type SocialApp } from '../support/fixtures/social.js';

let mailbox: Mailbox;
let app: SocialApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startSocialApp({
    MAIL_URL: mailbox.url,
    KAKAO_SCOPE: 'profile_nickname profile_image account_email',
  });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

const PASSWORD = 'a long way home';
const register = (email: unknown) =>
  post(app, '/auth/register', { email, password: PASSWORD, nickname: 'Mina' });
const logIn = (email: string) => post(app, '/auth/login', { email, password: PASSWORD });

describe('an e-mail address', () => {
  it.each([
    ['plain', 'mina@example.com', 'mina@example.com'],
    ['with a tag', 'mina+boards@example.com', 'mina+boards@example.com'],
    ['with an apostrophe', "o'neil@example.com", "o'neil@example.com"],
    ['with an ampersand', 'a&b@example.com', 'a&b@example.com'],
    [
      'with a slash and an equals sign',
      'customer/department=shipping@example.com',
      'customer/department=shipping@example.com',
    ],
    ['with exclamation marks and per cent', '!def!xyz%abc@example.com', '!def!xyz%abc@example.com'],
    [
      'with every sign of a dot-string',
      "!#$%&'*+-/=?^_`{|}~.a@example.com",
      "!#$%&'*+-/=?^_`{|}~.a@example.com",
    ],
    ['that begins and ends with a hyphen', '-mina_-@example.com', '-mina_-@example.com'],
    ['in capitals', 'SHOUTING@EXAMPLE.COM', 'shouting@example.com'],
    ['with white space around it', ' \u00a0around@example.com\t', 'around@example.com'],
    ['with copied text direction marks', '\u202aembedded@example.com\u202c', 'embedded@example.com'],
    ['in a sub-domain', 'mina@sub.example.co.kr', 'mina@sub.example.co.kr'],
    ['in a sub-domain of digits', 'mina@1.example', 'mina@1.example'],
    ['with a Hangul domain', 'hangul@한글.kr', 'hangul@xn--bj0bj06e.kr'],
    ['with a Hangul domain in Form D', 'decomposed@한글.kr'.normalize('NFD'), 'decomposed@xn--bj0bj06e.kr'],
    ['with a Hangul top-level domain', 'mina@한글.한국', 'mina@xn--bj0bj06e.xn--3e0b707e'],
    [
      'with a top-level domain in punycode',
      'puny@xn--bj0bj06e.xn--3e0b707e',
      'puny@xn--bj0bj06e.xn--3e0b707e',
    ],
    ['with punycode in capitals', 'caps@XN--BJ0BJ06E.XN--3E0B707E', 'caps@xn--bj0bj06e.xn--3e0b707e'],
    ['with a Cyrillic top-level domain', 'mina@пример.рф', 'mina@xn--e1afmkfd.xn--p1ai'],
    ['with an ideographic full stop', 'stop@한글。한국', 'stop@xn--bj0bj06e.xn--3e0b707e'],
    ['with a trailing dot', 'dot@example.com.', 'dot@example.com'],
    ['in full width', 'ｗｉｄｅ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'wide@example.com'],
    ['with a sharp s', 'mina@straße.de', 'mina@xn--strae-oqa.de'],
    ['in a look-alike domain', 'mina@\u0430pple.com', 'mina@xn--pple-43d.com'],
    ['with 64 bytes before the @', `${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
  ])('%s registers, and gets its mail at the normal form', async (_, written, address) => {
    expect((await register(written)).status).toBe(202);
    expect(await mailbox.waitFor(address)).toHaveLength(1);
  });

  it.each([
    ['a dot before the @', 'mina.@example.com'],
    ['a dot in front', '.mina@example.com'],
    ['two dots in a row', 'mina..kim@example.com'],
    ['a quoted string', '"mina kim"@example.com'],
    ['a comment', 'mina(kim)@example.com'],
    ['a display name', 'Mina <mina@example.com>'],
    ['a space in it', 'mi na@example.com'],
    ['two @', 'a@b@example.com'],
    ['nothing before the @', '@example.com'],
    ['nothing after the @', 'mina@'],
    ['a single label', 'mina@localhost'],
    ['an address literal', 'mina@[127.0.0.1]'],
    ['an IPv6 literal', 'mina@[IPv6:::1]'],
    ['an IPv4 address', 'mina@127.0.0.1'],
    ['an IPv4 address in hexadecimal', 'mina@0x7f.1'],
    ['an IPv4 address in full width', 'mina@１２７.0.0.1'],
    ['a top-level domain of digits', 'mina@example.123'],
    ['a label that begins with a hyphen', 'mina@-example.com'],
    ['a label that ends with a hyphen', 'mina@example-.com'],
    ['an underscore in the domain', 'mina@exa_mple.com'],
    ['an empty label', 'mina@example..com'],
    ['two trailing dots', 'mina@example.com..'],
    ['a percent encoding in the domain', 'mina@ex%61mple.com'],
    ['a path after the domain', 'mina@example.com/x'],
    ['a port after the domain', 'mina@example.com:25'],
    ['a line end in the domain', 'mina@exam\nple.com'],
    ['broken punycode', 'mina@xn--a.com'],
    ['a label of 64 bytes', `mina@${'b'.repeat(64)}.com`],
    ['65 bytes before the @', `${'a'.repeat(65)}@example.com`],
    ['255 bytes', `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(58)}.com`],
    ['100,000 characters', `${'\u200b'.repeat(15_000)}x`],
    ['Hangul before the @', '미나@example.com'],
    ['a letter that becomes ASCII in lower case', '\u212amina@example.com'],
    ['half a surrogate pair', 'mina@exam\ud800ple.com'],
    ['another type', 7],
  ])('with %s is refused everywhere', async (_, email) => {
    const asked = [
      register(email),
      post(app, '/auth/login', { email, password: PASSWORD }),
      post(app, '/auth/forgot-password', { email }),
      post(app, '/auth/verify-email/resend', { email }),
    ];
    for (const response of await Promise.all(asked)) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        code: 'validation_failed',
        errors: [{ pointer: '/email' }],
      });
    }
    expect(emailOf(email)).toBeUndefined();
  });

  it('with characters beyond ASCII before the @ is refused with an explanation', async () => {
    expect(await (await register('미나@example.com')).json()).toMatchObject({
      errors: [{ detail: 'must be an e-mail address with nothing but ASCII characters before the @' }],
    });
  });

  it('has one normal form, which is ASCII and idempotent', () => {
    const label = fc.string({
      unit: fc.constantFrom('a', 'Z', '0', '-', 'é', '한', 'ß', '。', '.', '①', 'Ｋ', '\u200d', '\u0301'),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.emailAddress(), label, (email, label) => {
        const address = emailAddress.safeParse(`${email.split('@')[0]}@${label}.${email.split('@')[1]}`).data;
        fc.pre(address !== undefined);
        expect(address).toMatch(/^[\x21-\x40\x5b-\x7e]{3,254}$/);
        expect(emailAddress.parse(address)).toBe(address);
      }),
    );
  });

  it('of RFC 5321 is accepted in any case', () => {
    fc.assert(
      fc.property(fc.emailAddress({ size: 'small' }), (email) => {
        fc.pre(email.length <= 254);
        expect(emailAddress.parse(email.toUpperCase())).toBe(email.toLowerCase());
      }),
    );
  });
});

describe('one address in two spellings', () => {
  const FORMS = [
    'Two.Forms@대문.example',
    'two.forms@대문.example'.normalize('NFD'),
    'TWO.FORMS@XN--VK1BX9M.EXAMPLE.',
  ];
  const ADDRESS = 'two.forms@xn--vk1bx9m.example';

  it('is one account for every login method', async () => {
    expect((await register(FORMS[0])).status).toBe(202);
    const [mail] = await mailbox.waitFor(ADDRESS);
    expect((await post(app, '/auth/verify-email/resend', { email: FORMS[1] })).status).toBe(202);
    await mailbox.waitFor(ADDRESS, 2);
    expect((await post(app, '/auth/verify-email', { token: tokenIn(mail!) })).status).toBe(200);
    for (const form of FORMS) expect((await logIn(form)).status).toBe(200);
    expect((await post(app, '/auth/forgot-password', { email: FORMS[2] })).status).toBe(202);
    await mailbox.waitFor(ADDRESS, 3);
    const accounts = await app.database.getRepository(Account).findBy({ email: ADDRESS });
    expect(accounts).toHaveLength(1);
  });

  it.each(FORMS)('is found by the admin command as %s', async (form) => {
    expect(await runAdminCommand('grant', form, app.database)).toBe(true);
  });

  it('is one account when a provider reports the other spelling', async () => {
    await register('UNICODE@xn--vk1bx9m.EXAMPLE');
    const [mail] = await mailbox.waitFor('unicode@xn--vk1bx9m.example');
    const verified = await post(app, '/auth/verify-email', { token: tokenIn(mail!) });
    const { accessToken } = (await verified.json()) as { accessToken: string };
    const browser = new Browser(app.url);
    await browser.logInWith('kakao', 'unicode');
    const linked = (await browser.accessToken())!;
    expect(accountIdOf(linked)).toBe(accountIdOf(accessToken));
    const identities = await browser.request(`${app.url}/auth/identities`, {
      headers: { authorization: `Bearer ${linked}` },
    });
    expect(JSON.parse(identities.text)).toMatchObject({
      identities: [{ provider: 'kakao', email: 'unicode@xn--vk1bx9m.example' }],
    });
  });

  it('has one count of wrong passwords', async () => {
    const own = await startSocialApp({ RATE_LIMIT_FACTOR: '0.1' });
    const statuses = [];
    for (const email of ['limit@한글.kr', 'LIMIT@xn--bj0bj06e.kr']) {
      const response = await post(own, '/auth/login', { email, password: 'a wrong guess' });
      statuses.push(response.status);
    }
    const third = await post(own, '/auth/login', { email: 'limit@한글。kr', password: 'a wrong guess' });
    await own.stop();
    expect([...statuses, third.status]).toEqual([401, 401, 429]);
  });
});
