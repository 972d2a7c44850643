import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { toJson } from './json.js';
import type { Html } from './pages/html.js';

/** Largest request body. Bodies of a login are much smaller. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** A complete request. `form` is empty unless the body is a form. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  form: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A response as plain data, so that a fault can change it before it is sent. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Error of a request that is refused before routing. */
export class UnreadableCall extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Reads a request with a bounded body. @throws {UnreadableCall}. */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const url = parseTarget(request.url ?? '/');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // A larger body is read to its end as well, because stopping would close the connection before the response is sent.
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  if (size > BODY_LIMIT_BYTES) throw new UnreadableCall(413, 'The body is too large.');
  const body = Buffer.concat(chunks).toString('utf8');
  const isForm = mediaType(request.headers) === 'application/x-www-form-urlencoded';
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    form: new URLSearchParams(isForm ? body : ''),
    headers: request.headers,
    body,
  };
}

function parseTarget(target: string): URL {
  // Only the origin form: in `//host/path` and `http://host/path` the client would choose the host.
  if (!target.startsWith('/') || target.startsWith('//'))
    throw new UnreadableCall(400, 'Bad request target.');
  return new URL(target, 'http://sandbox.invalid');
}

/** Returns the media type of a request's body, without parameters. */
export function mediaType(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Returns the token of an `Authorization: Bearer` header. A token in the query is ignored. */
export function bearerToken(call: Call): string | undefined {
  return /^Bearer ([^\s]+)$/i.exec(call.headers.authorization ?? '')?.[1];
}

/** Returns the name of a repeated parameter, which OAuth forbids (RFC 6749 §3.1). */
export function repeatedParameter(parameters: URLSearchParams): string | undefined {
  return [...parameters.keys()].find((name) => parameters.getAll(name).length > 1);
}

/** Returns a JSON response; bigint values become raw digits. */
export function jsonReply(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
  indent?: number,
): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: toJson(value, indent),
  };
}

/** Returns an HTML response that runs no script, and loads only the sandbox's style sheet. */
export function pageReply(status: number, page: Html): Reply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // No `form-action`: Chromium applies it to redirects after a form post as well, and the consent form redirects to the
      // application.
      'content-security-policy':
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body: page.text,
  };
}

/** Returns a redirect, as all three providers send it. */
export function redirectReply(location: string): Reply {
  return { status: 302, headers: { location, 'cache-control': 'no-store' }, body: '' };
}

/** Sends a response unchanged. */
export function sendReply(reply: Reply, response: ServerResponse): void {
  const bytes = Buffer.from(reply.body, 'utf8');
  response.writeHead(reply.status, { ...reply.headers, 'content-length': bytes.length });
  response.end(bytes);
}
