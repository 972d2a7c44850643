import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTransport } from 'nodemailer';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.js';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({
    port: 0,
    smtpPort: 0,
    providers: false,
    clock: () => Date.UTC(2026, 10, 24),
  });
});
afterAll(() => sandbox.close());

async function send(mail: {
  to: string | string[];
  subject?: string;
  text?: string;
  html?: string;
}): Promise<void> {
  const transport = createTransport(sandbox.smtpUrl);
  await transport.sendMail({ from: 'Daemun <no-reply@daemun.example>', subject: 'Hello', ...mail });
  transport.close();
}

async function mailboxOf(to: string): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${sandbox.url}/mailbox.json?to=${encodeURIComponent(to)}`);
  return (await answer.json()) as Record<string, unknown>[];
}

describe('the mail API', () => {
  it('returns a mail as it was sent', async () => {
    await send({
      to: 'mina@example.com',
      subject: '이메일 주소 확인',
      text: '안녕하세요\n',
      html: '<p>안녕하세요</p>',
    });
    expect(await mailboxOf('mina@example.com')).toEqual([
      {
        to: 'mina@example.com',
        from: expect.stringContaining('no-reply@daemun.example'),
        subject: '이메일 주소 확인',
        text: '안녕하세요\n',
        html: expect.stringContaining('<p>안녕하세요</p>'),
        receivedAt: '2026-11-24T00:00:00.000Z',
      },
    ]);
  });

  it('returns the newest mail first', async () => {
    await send({ to: 'order@example.com', subject: 'one' });
    await send({ to: 'order@example.com', subject: 'two' });
    expect((await mailboxOf('order@example.com')).map((mail) => mail['subject'])).toEqual(['two', 'one']);
  });

  it('finds an address in any case', async () => {
    await send({ to: 'Case@Example.com' });
    expect(await mailboxOf('case@EXAMPLE.com')).toHaveLength(1);
  });

  it('returns a copy for each recipient', async () => {
    await send({ to: ['first@example.com', 'second@example.com'] });
    expect(await mailboxOf('first@example.com')).toHaveLength(1);
    expect(await mailboxOf('second@example.com')).toHaveLength(1);
  });

  it('returns no mail to another address', async () => {
    expect(await mailboxOf('nobody@example.com')).toEqual([]);
  });

  it('is available in the process', async () => {
    await send({ to: 'inside@example.com', subject: 'here' });
    expect(sandbox.mailbox('inside@example.com')).toMatchObject([{ subject: 'here' }]);
  });
});

describe('the mail page', () => {
  it('makes links clickable, and ends them at the end of the URL', async () => {
    await send({ to: 'link@example.com', text: 'See http://localhost:3000/verify?token=a&x=b.\n' });
    const page = await (await fetch(`${sandbox.url}/mailbox`)).text();
    expect(page).toContain('href="http://localhost:3000/verify?token=a&amp;x=b"');
  });

  it('escapes the text of a mail', async () => {
    await send({ to: 'script@example.com', subject: '<script>1</script>', text: '<script>2</script>' });
    const page = await (await fetch(`${sandbox.url}/mailbox`)).text();
    expect(page).toContain('&lt;script&gt;2');
    expect(page).not.toContain('<script');
  });

  it('has a page for each address', async () => {
    await send({ to: 'alone@example.com', subject: 'Only for me' });
    await send({ to: 'other@example.com', subject: 'Not for you' });
    const page = await (await fetch(`${sandbox.url}/mailbox?to=alone@example.com`)).text();
    expect(page).toContain('Only for me');
    expect(page).not.toContain('Not for you');
  });
});

describe('the SMTP server', () => {
  it('accepts any credentials', async () => {
    const transport = createTransport({ url: sandbox.smtpUrl, auth: { user: 'u', pass: 'p' } });
    await expect(transport.verify()).resolves.toBe(true);
    transport.close();
  });

  it('refuses a message that is too large', async () => {
    await expect(send({ to: 'large@example.com', text: 'a'.repeat(2 * 1024 * 1024) })).rejects.toThrow();
    expect(await mailboxOf('large@example.com')).toEqual([]);
  });

  it('keeps the last 500 mails', async () => {
    const transport = createTransport({ url: sandbox.smtpUrl, pool: true });
    const sent = Array.from({ length: 501 }, (_, index) =>
      transport.sendMail({ from: 'a@example.com', to: 'many@example.com', subject: String(index) }),
    );
    await Promise.all(sent);
    transport.close();
    expect(await mailboxOf('many@example.com')).toHaveLength(500);
  });

  it('survives a client that disconnects', async () => {
    const socket = connect(Number(new URL(sandbox.smtpUrl).port), '127.0.0.1');
    await once(socket, 'data');
    socket.write('EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nhalf a');
    await once(socket, 'data');
    socket.resetAndDestroy();
    await send({ to: 'after@example.com' });
    expect(await mailboxOf('after@example.com')).toHaveLength(1);
  });
});
