import type { Client, ClientOptions } from '../../client/src/contract.js';
import type { Failure } from '../../client/src/failure.js';

/** The browser package's own files. Not known to TypeScript here, where there is no DOM. */
export async function importClient(): Promise<{
  readonly createClient: (options?: ClientOptions) => Client;
  readonly Failure: typeof Failure;
}> {
  const file: string = '../../client/src/index.js';
  return (await import(file)) as Awaited<ReturnType<typeof importClient>>;
}

export const API = 'https://api.example.com';

/** An access token that nobody has signed. */
export function tokenOf(sub: string, sid: string, roles: readonly string[] = ['user']): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return [part({ alg: 'none' }), part({ sub, sid, roles, jti: String(Math.random()) }), 'signature'].join(
    '.',
  );
}

export const tokens = (accessToken = tokenOf('mina', 'session-1'), expiresIn = 600) =>
  Response.json({ accessToken, tokenType: 'Bearer', expiresIn });

export const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  Response.json({ code }, { status, headers: { 'content-type': 'application/problem+json', ...headers } });

type Answer = (request: Request) => Response | Promise<Response>;

/** Stands in for the network and all that is behind it. Each path is answered by a function that tests may change. */
export class Transport {
  readonly requests: Request[] = [];
  readonly answers: Record<string, Answer> = {};

  /** What a client sends its requests with. */
  readonly fetch = (async (request: Request) => {
    this.requests.push(request);
    request.signal.throwIfAborted();
    const answer = this.answers[new URL(request.url).pathname] ?? (() => problem(404, 'not_found'));
    const aborted = new Promise<never>((_, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason as Error));
    });
    return Promise.race([aborted, answer(request)]);
  }) as typeof fetch;

  constructor() {
    this.answers['/auth/refresh'] = () => tokens();
    this.answers['/ok'] = () => new Response('ok');
  }

  /** The paths that were asked for so far, and from then on again none. */
  take(): string[] {
    return this.requests.splice(0).map(({ url }) => new URL(url).pathname);
  }
}

/** Answers one after the other; the last one stays. */
export function inTurn(...answers: readonly Answer[]): Answer {
  let next = 0;
  return (request) => {
    const answer = answers[Math.min(next++, answers.length - 1)];
    if (answer === undefined) throw new Error('there are no answers');
    return answer(request);
  };
}

/** The answer is lost, or the request was. */
export const lost: Answer = () => Promise.reject(new TypeError('Failed to fetch'));

/** There is no answer, ever. */
export const silence: Answer = () => new Promise(() => {});
