import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { toJson } from './json.js';
import type { Html } from './pages/html.js';

/** Nothing that a log-in sends comes near this; more is somebody's mistake. */
const BODY_LIMIT = 64 * 1024;

/** One request, read to its end. `form` is empty unless the body was sent as a form. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  form: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One answer, kept as plain data so that a fault can change it before it is sent. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A request that is refused before anybody looks at what it asks for. */
export class UnreadableCall extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Reads a request with a bounded body, or throws {@link UnreadableCall}. */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const url = parseTarget(request.url ?? '/');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read on to the end all the same: stopping would close the connection before the refusal is out.
    if (size <= BODY_LIMIT) chunks.push(chunk);
  }
  if (size > BODY_LIMIT) throw new UnreadableCall(413, 'The body is too large.');
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
  // Only the origin form: `//host/path` and `http://host/path` would let the caller choose what the path is.
  if (!target.startsWith('/') || target.startsWith('//'))
    throw new UnreadableCall(400, 'Bad request target.');
  return new URL(target, 'http://sandbox.invalid');
}

/** The media type of a request's body, without its parameters. */
export function mediaType(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** The token of an `Authorization: Bearer` header; a token in the query is never looked at. */
export function bearerToken(call: Call): string | undefined {
  return /^Bearer ([^\s]+)$/i.exec(call.headers.authorization ?? '')?.[1];
}

/** A parameter name that was sent more than once, which OAuth forbids (RFC 6749 section 3.1). */
export function repeatedParameter(parameters: URLSearchParams): string | undefined {
  return [...parameters.keys()].find((name) => parameters.getAll(name).length > 1);
}

/** A JSON answer; bigint values become raw digits. */
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

/** An HTML answer that may run no script and load nothing but the sandbox's own style sheet. */
export function pageReply(status: number, page: Html): Reply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // No `form-action`: Chromium applies it to redirects after a form post as well, and the consent form's
      // answer redirects to the application.
      'content-security-policy':
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body: page.text,
  };
}

/** A redirect as all three providers send it. */
export function redirectReply(location: string): Reply {
  return { status: 302, headers: { location, 'cache-control': 'no-store' }, body: '' };
}

/** Sends an answer the honest way. */
export function sendReply(reply: Reply, response: ServerResponse): void {
  const bytes = Buffer.from(reply.body, 'utf8');
  response.writeHead(reply.status, { ...reply.headers, 'content-length': bytes.length });
  response.end(bytes);
}
