import { expect } from '@jest/globals';
import type { TestApp } from './app.js';
import type { Mailbox, ReceivedMail } from './mailbox.js';

/** Posts JSON to the application. */
export function post(
  app: TestApp,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** The token of the link in a mail. */
export function tokenIn({ text }: ReceivedMail): string {
  const token = /#verify-email=(\S+)/.exec(text)?.[1];
  if (token === undefined) throw new Error('there is no link in the mail');
  return token;
}

/** Registers and waits for the mail that follows: the newest to that address. */
export async function register(
  app: TestApp,
  mailbox: Mailbox,
  person: { email: string; password: string; nickname: string },
): Promise<ReceivedMail> {
  const before = mailbox.mails.filter(({ to }) => to === person.email).length;
  expect((await post(app, '/auth/register', person)).status).toBe(202);
  return (await mailbox.waitFor(person.email, before + 1)).at(-1)!;
}

/** Someone whose address is verified. */
export async function verifiedPerson(
  app: TestApp,
  mailbox: Mailbox,
  name: string,
): Promise<{ email: string; password: string; nickname: string }> {
  const person = { email: `${name}@example.com`, password: `${name}'s own password`, nickname: name };
  const token = tokenIn(await register(app, mailbox, person));
  expect((await post(app, '/auth/verify-email', { token })).status).toBe(200);
  return person;
}
