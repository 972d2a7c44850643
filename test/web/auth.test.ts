import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LOGIN_ERRORS } from '../../src/auth/social/login-error.js';
import { freePorts } from '../support/servers/ports.mjs';
import { describeWith } from '../support/programs.js';
import { until } from '../support/until.js';
import { useWebPage } from '../support/fixtures/web-page.js';

const [port = 0] = await freePorts(1);

describeWith('chromium', 'the login page in a browser', () => {
  const web = useWebPage();
  const storages = '({ ...localStorage, ...sessionStorage, cookie: document.cookie })';

  describe('a provider login', () => {
    it.each(['google', 'kakao', 'naver'])('with %s greets the user', async (provider) => {
      await web.page.goto('/');
      await web.logInWith(provider);
      await web.sees('h1', /^Welcome in, .+/);
    });

    it('returns to the previous page and its action', async () => {
      await web.page.goto('/b/free/write');
      await web.sees('h2', 'Log in to go on');
      await web.logInWith('naver');
      await web.sees('h1', 'Write a post');
      expect(web.page.url()).toBe(`${web.app.url}/b/free/write`);
    });

    it('from a page of another site asks for a confirming click (login csrf)', async () => {
      await web.page.route('http://elsewhere.example/', (route) =>
        route.fulfill({
          contentType: 'text/html',
          body: `<script>location = '${web.app.url}/auth/naver?returnTo=/b/free'</script>`,
        }),
      );
      await web.page.goto('http://elsewhere.example/');
      await web.sees('p', 'A page of another site sent you here');
      expect(new URL(web.page.url()).pathname).toBe('/login');
      expect(await web.page.context().cookies()).toEqual([]);
      await web.logInWith('naver');
      expect(web.page.url()).toBe(`${web.app.url}/b/free`);
    });

    it('puts the token neither into storage nor into the address', async () => {
      await web.page.goto('/');
      await web.logInWith('kakao');
      expect(new URL(web.page.url()).href).toBe(`${web.app.url}/`);
      expect(await web.page.evaluate(storages)).toEqual({ cookie: '' });
    });

    it('leaves one cookie, which is HttpOnly and SameSite', async () => {
      await web.page.goto('/');
      await web.logInWith('google');
      const cookies = await web.page.context().cookies(web.app.url);
      expect(
        cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })),
      ).toEqual(
        // On plain http, which only development has, neither the prefix nor Secure is possible.
        [{ name: 'refresh', httpOnly: true, sameSite: 'Strict', path: '/' }],
      );
    });

    it('is restored after a reload', async () => {
      await web.page.goto('/');
      await web.logInWith('kakao');
      await web.page.reload();
      await web.sees('h1', /^Welcome in, .+/);
    });

    it('leaves no personal data in the browser after a logout', async () => {
      await web.openAs('mina', '/me');
      await web.logOut();
      expect(await web.page.evaluate(storages)).toEqual({ cookie: '' });
      expect(await web.page.context().cookies()).toEqual([]);
      expect(await web.page.getByText('김미나').filter({ visible: true }).count()).toBe(0);
    });

    it('hides a typed password, and accepts paste and autofill in its field', async () => {
      for (const path of ['/login', '/register']) {
        await web.page.goto(path);
        await web.sees('input[type=password]');
        const fields = await web.page
          .locator('input[autocomplete=current-password], input[autocomplete=new-password]')
          .evaluateAll((inputs) =>
            (inputs as HTMLInputElement[]).map((input) => ({
              type: input.type,
              takesPaste: input.dispatchEvent(
                new ClipboardEvent('paste', { bubbles: true, cancelable: true }),
              ),
              roomy: input.maxLength === -1 || input.maxLength >= 128,
            })),
          );
        expect(fields).toEqual([{ type: 'password', takesPaste: true, roomy: true }]);
        expect(await web.page.locator('input[type=password]').count()).toBe(fields.length);
      }
    });

    it('ends with a logout that persists', async () => {
      await web.openAs('mina', '/me');
      await web.logOut();
      await web.page.reload();
      await web.sees('.provider.google');
      expect(await web.page.locator('.mine').count()).toBe(0);
    });
  });

  describe('an outage', () => {
    it.each([
      ['503', 503],
      ['a failing network', undefined],
    ])('keeps the user logged in: %s', async (_, status) => {
      await web.openAs('mina', '/');
      await web.page.route('**/auth/refresh', (route) =>
        status === undefined
          ? route.abort()
          : route.fulfill({ status, headers: { 'retry-after': '30' }, body: 'busy' }),
      );
      await web.page.clock.install();
      await web.page.reload();
      const note = web.page.locator('.note.bad', {
        hasText: 'cannot tell just now whether you are logged in',
      });
      await until(async () => {
        // The client retries for about 20 seconds.
        await web.page.clock.fastForward(5_000);
        return note.isVisible();
      });
      // Public data can be read meanwhile.
      await web.sees('.post-list h3');
      expect(await web.page.locator('.provider').count()).toBe(0);
      await web.page.unroute('**/auth/refresh');
      await web.press('Try again');
      await web.sees('.mine');
    });

    it('of the profile service keeps the user logged in', async () => {
      await web.page.route('**/users/me', (route) => route.fulfill({ status: 503, body: 'busy' }));
      await web.page.goto('/');
      await web.logInWith('kakao');
      await web.page.goto('/me');
      await web.sees('.note.bad', 'cannot be reached');
      await web.sees('.mine');
    });
  });

  it('reports a session that was ended elsewhere', async () => {
    await web.openAs('mina', '/me');
    await web.page.context().request.post(`${web.app.url}/auth/logout`);
    await web.press('Sessions');
    await web.sees('.note.bad', 'Your session has ended.');
    await web.sees('.provider.google');
  });

  describe('an e-mail login', () => {
    it('is possible after registration and the mailed link', async () => {
      await web.register('Hana');
      await web.sees('h1', 'Welcome in, Hana');
      expect(web.page.url()).toBe(`${web.app.url}/`);
    });

    it('is possible again with the password', async () => {
      const { email, password } = await web.register('Duri');
      await web.page.goto('/me');
      await web.logOut();
      await web.page.goto('/login?next=/b/free');
      await web.fillIn({ 'E-mail': email, Password: password }, 'Log in');
      await web.sees('.mine');
      expect(web.page.url()).toBe(`${web.app.url}/b/free`);
    });

    it('is refused until the mailed link is opened, with an explanation', async () => {
      const person = { 'E-mail': 'seti@example.com', Password: 'Seti likes the sea', Nickname: 'Seti' };
      await web.page.goto('/register');
      await web.fillIn(person, 'Register');
      await web.sees('h1', 'Check your mail');
      await web.press('Back to log in');
      const { 'E-mail': email, Password } = person;
      await web.fillIn({ 'E-mail': email, Password }, 'Log in');
      await web.sees('.note.bad', 'not verified yet');
      await web.press('Send the mail again');
      await web.sees('.note.good');
      expect(await web.mailbox.waitFor(email, 2)).toHaveLength(2);
    });

    it('is possible with a new password from the mailed reset link', async () => {
      const { email } = await web.register('Sora');
      await web.page.goto('/me');
      await web.logOut();
      await web.page.goto('/forgot-password');
      await web.fillIn({ 'E-mail': email }, 'Send me a link');
      await web.sees('h1', 'Check your mail');
      await web.page.goto(await web.linkTo(email, 2));
      await web.sees('h1', 'Choose a new password');
      expect(web.page.url()).toBe(`${web.app.url}/`);
      await web.fillIn({ 'New password': 'another sea' }, 'Set the password');
      await web.sees('.note.good', 'The password has changed.');
      await web.fillIn({ 'E-mail': email, Password: 'another sea' }, 'Log in');
      await web.sees('.mine');
    });

    it('reports a wrong password without saying which part was wrong', async () => {
      await web.page.goto('/login');
      await web.fillIn({ 'E-mail': 'nobody@example.com', Password: 'whatever it is' }, 'Log in');
      await web.sees('.note.bad', 'The address or the password is wrong.');
    });

    it('shows validation errors next to their fields in the language of the page', async () => {
      await web.page.goto('/register');
      await web.fillIn({ 'E-mail': 'x', Password: 'short', Nickname: 'a' }, 'Register');
      await web.sees('.wrong', 'valid e-mail address');
      await web.sees('.wrong', '8 to 128');
      await web.sees('.wrong', '2 to 20');
      expect(await web.page.evaluate('document.activeElement.name')).toBe('email');
      await web.press('한국어');
      await web.sees('.wrong', '올바른 이메일');
    });

    it('by a mailed link requires a click, and does not end the session of another user', async () => {
      await web.openAs('mina', '/');
      const other = await web.visit();
      const person = { 'E-mail': 'bora@example.com', Password: 'Bora likes the sea', Nickname: 'Bora' };
      await other.goto('/register');
      await web.fillIn(person, 'Register', other);
      await web.page.goto(await web.linkTo(person['E-mail']));
      await web.sees('.entry', 'You are logged in as 김미나.');
      await web.press('Stay as I am');
      await web.sees('h1', 'Welcome in, 김미나');
      await web.page.goto(await web.linkTo(person['E-mail']));
      await web.press('Verify and log in');
      await web.sees('h1', 'Welcome in, Bora');
    });

    it.each([
      [
        'verify-email',
        'en',
        ['The password that was chosen at that registration', 'Did you not register'],
        'That was not me',
      ],
      [
        'verify-email',
        'ko',
        ['가입할 때 정한 비밀번호가', '직접 가입하지 않았거나'],
        '제가 가입하지 않았어요',
      ],
      ['reset-password', 'en', ['replaces the one before', 'Did you not ask for it'], 'That was not me'],
      ['reset-password', 'ko', ['지금까지의 비밀번호를', '직접 요청하지 않았다면'], '제가 요청하지 않았어요'],
    ])(
      'by a mailed link explains its effect on the password, and is optional: %s, %s',
      async (purpose, lang, texts, decline) => {
        const sent: string[] = [];
        web.page.on('request', (request) =>
          sent.push(`${request.method()} ${new URL(request.url()).pathname}`),
        );
        await web.page.goto(`/?lang=${lang}#${purpose}=abc.def`);
        for (const text of texts) await web.sees('.card.entry', text);
        await web.press(decline);
        await web.sees('.note.good');
        await web.sees('.home');
        expect(sent.filter((each) => /POST \/auth\/(verify|reset)/.test(each))).toEqual([]);
      },
    );

    it('by a mailed link can be left like any other page', async () => {
      for (const purpose of ['verify-email', 'reset-password']) {
        await web.page.goto(`/#${purpose}=abc.def`);
        await web.sees('.card.entry .main');
        await web.page.locator('.skip').press('Enter');
        await web.sees('.card.entry .main', /^(Verify|Set)/);
        await web.page.click('.brand');
        await web.sees('h1', 'The gate is open');
        await web.page.goto('about:blank');
      }
    });

    it('by a used link is explained', async () => {
      await web.page.goto('/#verify-email=used.before.now');
      await web.press('Verify and log in');
      await web.sees('.note.bad', 'used before or is too old');
      await web.press('Back to log in');
      await web.sees('.provider.google');
    });

    it('by a mailed link removes the token from the address before any request', async () => {
      const addresses: string[] = [];
      web.page.on('request', (request) => {
        if (request.url().endsWith('/auth/verify-email')) addresses.push(web.page.url());
      });
      await web.page.goto('/#verify-email=a.secret.token');
      await web.press('Verify and log in');
      await web.sees('.note.bad');
      expect(addresses).toEqual([`${web.app.url}/`]);
      expect(await web.page.evaluate('history.length')).toBeLessThanOrEqual(2);
    });
  });

  describe('a failed login', () => {
    it('is explained in both languages for every reason, and not again after a reload', async () => {
      for (const code of LOGIN_ERRORS) {
        for (const [lang, script] of [
          ['ko', /\p{Script=Hangul}/u],
          ['en', /^[^\p{Script=Hangul}]+$/u],
        ] as const) {
          await web.page.goto(`/?lang=${lang}&login_error=${code}`);
          const note = await web.sees('.note.bad p', script);
          expect([code, await note.textContent()]).not.toEqual([
            code,
            expect.stringContaining('did not work.'),
          ]);
          expect(web.page.url()).toBe(`${web.app.url}/`);
        }
      }
      await web.page.reload();
      await web.sees('.provider.google');
      expect(await web.page.locator('.note').count()).toBe(0);
    });

    it('shows no text from the address', async () => {
      await web.page.goto('/?login_error=call-0900-1234');
      await web.sees('.note.bad', 'The login did not work.');
      expect(await web.page.content()).not.toContain('0900');
    });

    it('is explained after a cancelled provider login on the page before it', async () => {
      await web.page.goto('/login?next=/b/free');
      await web.page.click('.provider.naver');
      await web.page.click('button[name=persona][value=cancel]');
      await web.sees('.note.bad', 'You cancelled');
      expect(web.page.url()).toBe(`${web.app.url}/b/free`);
    });

    it('links to the next step if the address has an account', async () => {
      await web.page.goto('/');
      await web.logInWith('google', 'mina');
      const other = await web.visit();
      await other.goto('/');
      await other.click('.provider.naver');
      await other.click('button[name=persona][value=external]');
      await web.sees('.note.bad', 'same e-mail address', other);
      await web.press('Log in, then link', other);
      await web.logInWith('google', 'mina', other);
      await web.sees('h1', 'Login methods', other);
    });
  });

  it('a login for the documentation leads to Swagger UI', async () => {
    await web.openAs('mina', '/');
    await web.page.goto('/login?next=/docs');
    await web.sees('.bar .standing', 'Logged in as');
    expect(web.page.url()).toBe(`${web.app.url}/docs`);
  });

  it.each([
    'https://elsewhere.example/',
    '//',
    '//elsewhere.example',
    '/.//elsewhere.example/',
    '/auth/google',
    'javascript:alert(1)',
  ])('a login for %s does not leave the page (open redirect)', async (next) => {
    await web.page.goto(`/login?next=${encodeURIComponent(next)}`);
    await web.logInWith('kakao');
    expect(web.page.url()).toBe(`${web.app.url}/`);
  });
});

describeWith('chromium', 'the login page of an API whose pages are on another origin', () => {
  const origin = `http://localhost:${port}`;
  const web = useWebPage({ WEB_ORIGINS: origin });
  let pages: Server;
  beforeAll(async () => {
    pages = createServer((_, response) => response.end('<title>Pages</title>'));
    await new Promise<void>((resolve) => pages.listen(port, 'localhost', resolve));
  });
  afterAll(() => void pages?.close());

  it('returns to the page that started the login', async () => {
    const returnTo = `${origin}/b/free`;
    await web.page.goto(`/login?provider=naver&returnTo=${encodeURIComponent(returnTo)}`);
    await web.page.click('.provider.naver');
    await web.page.click('button[name=persona][value=mina]');
    await web.page.waitForURL(`${origin}/**`);
    expect(web.page.url()).toBe(returnTo);
  });
});
