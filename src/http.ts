import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import fastifyCookie from '@fastify/cookie';
import {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import type { Socket } from 'node:net';
import type { Config } from './config.js';
import { plainForwardedFor } from './http/forwarded-for.js';
import { PROBLEMS, type ProblemCode } from './problems/catalogue.js';
import { answerProblem, ProblemFilter } from './problems/problem.filter.js';
import { Problem } from './problems/problem.js';
import { validation } from './problems/validation.js';
import { serveWeb } from './web.js';

/** api.md: bodies are at most 64 KiB. */
const BODY_LIMIT = 64 * 1024;

/** How long (ms) a request may take to arrive. */
const ARRIVAL_MS = 15_000;

/** The HTTP server below Nest. */
export function createHttpAdapter(config: Config, logger: Logger): FastifyAdapter {
  return new FastifyAdapter({
    loggerInstance: logger,
    // One line a request is enough, and ours leaves the query out: see logRequests.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies(config),
    bodyLimit: BODY_LIMIT,
    // A path with something longer in it names nothing, which the controller says in its own words.
    routerOptions: { maxParamLength: 2_000 },
    // A logger of its own for each request costs more than the guard; lines name the request themselves.
    childLoggerFactory: (parent: FastifyBaseLogger) => parent,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    // How long a request may take to arrive; answers are bounded by what they wait for. Node.js takes the longer of the two.
    requestTimeout: ARRIVAL_MS,
    http: { headersTimeout: ARRIVAL_MS, connectionsCheckingInterval: 1_000 },
    keepAliveTimeout: 65_000,
    return503OnClosing: false,
    multipart: false,
    // There is no Nest middleware here.
    skipMiddie: true,
    clientErrorHandler: answerUnreadable,
    // What the router refuses, such as a malformed URL, meets no hook and no filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void reply.headers({
        'content-security-policy': "default-src 'none'",
        'x-content-type-options': 'nosniff',
      });
      answerProblem(error, request, reply);
    },
  });
}

/** Problems by the code that Node.js gives; everything else is `bad_request`. */
const UNREADABLE: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

/** What Node.js itself could not read as a request has neither a path nor an id, and the connection ends. */
function answerUnreadable({ code: cause }: NodeJS.ErrnoException, socket: Socket): void {
  const late = cause === 'ERR_HTTP_REQUEST_TIMEOUT';
  // Nothing was asked on this connection; an answer would be taken for that of whatever is asked in this moment.
  const silent = cause === 'ECONNRESET' || (late && socket.bytesRead === 0);
  if (silent || !socket.writable) return void socket.destroy();
  const code = UNREADABLE[cause ?? ''] ?? 'bad_request';
  const { status, title } = PROBLEMS[code];
  const body = JSON.stringify({ type: `urn:daemun:problem:${code}`, title, status, code });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** A number of hops counts from us outwards; addresses are matched by Fastify. */
function trustedProxies({
  trustProxy,
}: Config): false | string[] | ((address: string, hop: number) => boolean) {
  return typeof trustProxy === 'number' ? (_, hop) => hop < trustProxy : trustProxy;
}

/**
 * What a request meets before a controller: headers, CORS, cookies, the body's limits, and how errors are answered.
 * `main.ts` and the tests both call it, so that what is tested is what runs.
 */
export async function configureHttp(app: NestFastifyApplication, config: Config): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  if (config.trustProxy !== false) readForwardedFor(server);
  setHeaders(server, config);
  permitPages(server, config);
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(validation);
  await app.register(fastifyCookie);
  takeJsonOnly(server);
  logRequests(server, config.logLevel === 'debug' || config.logLevel === 'trace');
  await serveWeb(app, config);
}

/** Before anything asks Fastify for the client's address, which it takes from the header as it is. */
function readForwardedFor(server: FastifyInstance): void {
  server.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    const forwarded = headers['x-forwarded-for'];
    if (forwarded !== undefined) headers['x-forwarded-for'] = plainForwardedFor(String(forwarded));
    done();
  });
}

/** Scripts, styles and calls from this origin only, pictures also from `IMAGE_ORIGINS`, and no frames around us. */
function contentSecurityPolicy({ imageOrigins }: Config): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    ["img-src 'self' data:", ...imageOrigins].join(' '),
    "connect-src 'self'",
    "font-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join(';');
}

/**
 * What every answer says to browsers. Nest's own `useSecurityHeaders` and `enableCors` write past Fastify, to the raw
 * response; merging the two makes a small answer cost half as much again (bench/).
 */
function setHeaders(server: FastifyInstance, config: Config): void {
  const always = {
    'content-security-policy': contentSecurityPolicy(config),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'Origin',
    // Whatever is personal or a token must not stay in a cache; the few public answers say otherwise themselves.
    'cache-control': 'no-store',
    ...(config.publicUrl.startsWith('https:') && {
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    }),
  };
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(always).header('x-request-id', request.id);
    done();
  });
}

/** Headers that our routes read, and those that pages' tools add for tracing; none of them carries authority. */
const ALLOWED_REQUEST_HEADERS = [
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Modified-Since, Prefer',
  'Accept, Accept-Language, Cache-Control, Pragma, Range, X-Requested-With',
  'X-Request-Id, X-Correlation-Id, Request-Id, Request-Context',
  'traceparent, tracestate, baggage, b3, uber-trace-id, sentry-trace, newrelic',
  'x-b3-traceid, x-b3-spanid, x-b3-parentspanid, x-b3-sampled, x-b3-flags',
  'x-datadog-origin, x-datadog-parent-id, x-datadog-sampling-priority, x-datadog-trace-id, x-datadog-tags',
  'elastic-apm-traceparent, x-amzn-trace-id, x-cloud-trace-context, x-ms-client-request-id',
  'adrum, x-dtc, x-dtpc, x-dtreferer, x-instana-t, x-instana-s, x-instana-l, sw8, sw8-correlation, sw8-x',
  'x-newrelic-id, x-newrelic-transaction, ot-tracer-traceid, ot-tracer-spanid, ot-tracer-sampled',
  'x-honeycomb-trace, x-wtap-po, x-wtap-mst',
].join(', ');

/**
 * CORS for the pages in `WEB_ORIGINS` (Fetch Standard §3.2); others get no permission. Our own, because @fastify/cors asks
 * Fastify for a description of the route at every request, which takes as long as all the rest of a guarded answer (bench/).
 */
function permitPages(server: FastifyInstance, { webOrigins }: Config): void {
  const permitted = new Set<string | undefined>(webOrigins);
  const always = {
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'ETag, Location, Retry-After, X-Request-Id, WWW-Authenticate',
  };
  const preflight = {
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': ALLOWED_REQUEST_HEADERS,
    'access-control-max-age': '600',
  };
  server.addHook('onRequest', (request, reply, done) => {
    const { origin, 'access-control-request-method': asksFirst } = request.headers;
    if (!permitted.has(origin)) return done();
    void reply.headers(always).header('access-control-allow-origin', origin);
    if (request.method !== 'OPTIONS' || asksFirst === undefined) return done();
    void reply.code(204).headers(preflight).send();
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The providers' webhooks come as forms. */
    takesForms?: boolean;
  }
}

/** JSON or nothing. An empty body is no body, so that `POST /auth/logout` works from clients that always name a type. */
function takeJsonOnly(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (request, body, done) => {
      if (request.routeOptions.config.takesForms !== true) return done(new Problem('unsupported_media_type'));
      done(null, Object.fromEntries(new URLSearchParams(body)));
    },
  );
  server.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    let text: string;
    try {
      text = utf8.decode(body);
    } catch (cause) {
      return done(new Problem('malformed_json', { reason: 'not UTF-8', cause }));
    }
    void parse(request, text, (error, value) => {
      done(error === null ? null : new Problem('malformed_json', { reason: error.message }), value);
    });
  });
}

/** One line a request, without the query: callbacks carry codes there. What went well is told at `debug` only. */
function logRequests(server: FastifyInstance, all: boolean): void {
  server.addHook('onResponse', (request, reply, done) => {
    const went = reply.statusCode < 400 ? 'debug' : 'info';
    if (went === 'debug' && !all) return done();
    const { method, routeOptions, ip } = request;
    request.log[went](
      {
        reqId: request.id,
        method,
        route: routeOptions.url ?? '(none)',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ip,
        accountId: request.actor?.accountId,
      },
      'request',
    );
    done();
  });
}
