import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
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
import type { Config } from '../config/config.js';
import { plainForwardedFor } from './forwarded-for.js';
import { limitResponseTime } from './request-budget.js';
import { securityHeaders } from './security-headers.js';
import { UnreadableRequests } from './unreadable-requests.js';
import { prepareOutageLog } from '../problems/outage-log.js';
import { ProblemFilter } from '../problems/problem.filter.js';
import { Problem } from '../problems/problem.js';
import { validation } from '../problems/validation.js';
import { serveWeb } from './static-files.js';

/** Largest request body. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Time limit for the arrival of a request. */
const ARRIVAL_MS = 15_000;

/** Creates the HTTP server below Nest. */
export function createHttpAdapter(config: Config, logger: Logger): FastifyAdapter {
  const unreadable = new UnreadableRequests(logger, securityHeaders(config));
  const adapter = new FastifyAdapter({
    loggerInstance: logger,
    // logRequests writes one line per request, without the query.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies(config),
    bodyLimit: BODY_LIMIT_BYTES,
    // Longer than any valid parameter, so that the controller answers with its own problem.
    routerOptions: { maxParamLength: 2_000 },
    // A child logger per request costs more than the access guard. Log lines have the request id.
    childLoggerFactory: (parent: FastifyBaseLogger) => parent,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    // Node.js uses the longer of the two timeouts. request-budget.ts limits the time of the response.
    requestTimeout: ARRIVAL_MS,
    http: {
      headersTimeout: ARRIVAL_MS,
      connectionsCheckingInterval: 1_000,
      // Node.js would respond without headers and log line; see refuseMalformed.
      requireHostHeader: false,
    },
    keepAliveTimeout: 65_000,
    return503OnClosing: false,
    multipart: false,
    // No module uses Nest middleware.
    skipMiddie: true,
    clientErrorHandler: (error: Error, socket) => unreadable.refuse(error, socket),
    frameworkErrors: (error: { code: string }, { raw }: FastifyRequest, { raw: response }: FastifyReply) => {
      reroute(server, raw, error.code, response);
    },
  });
  const server: FastifyInstance = adapter.getInstance();
  server.server
    // An unknown expectation is ignored (RFC 9110 §10.1.1); Node.js would respond 417 without headers.
    .on('checkExpectation', (request, response) => void server.server.emit('request', request, response))
    .on('connect', (_, socket: Socket) => unreadable.drop('CONNECT', socket));
  return adapter;
}

/** Error codes of requests that the router refused, for example because of a malformed URL. */
const refusedByRouter = new WeakMap<IncomingMessage, string>();

/**
 * Routes a request that the router refused to a path without a route. The router runs no hooks for a refusal, so that its
 * response would have neither headers nor a log line.
 */
function reroute(
  server: FastifyInstance,
  request: IncomingMessage & { originalUrl?: string },
  code: string,
  response: ServerResponse,
): void {
  refusedByRouter.set(request, code);
  request.originalUrl = request.url;
  request.url = '/*';
  server.routing(request, response);
}

/** Returns Fastify's `trustProxy`. Hops are counted from this process outwards; Fastify matches addresses. */
function trustedProxies({
  trustProxy,
}: Config): false | string[] | ((address: string, hop: number) => boolean) {
  return typeof trustProxy === 'number' ? (_, hop) => hop < trustProxy : trustProxy;
}

/**
 * Configures hooks, CORS, cookies, body parsers, pipes and the problem filter. `main.ts` and the tests call the same
 * function.
 */
export async function configureHttp(app: NestFastifyApplication, config: Config): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  prepareOutageLog(server);
  readForwardedFor(server, config);
  setHeaders(server, config);
  allowCors(server, config);
  refuseMalformed(server);
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(validation);
  await app.register(fastifyCookie);
  parseBodies(server);
  limitResponseTime(server);
  logRequests(server, config.logLevel === 'debug' || config.logLevel === 'trace');
  await serveWeb(app, config);
}

/**
 * Normalises `X-Forwarded-For` before the client's address is read, because Fastify uses the header as it is. Warns once
 * about the header of an untrusted address: behind a proxy that `TRUST_PROXY` lacks, all clients share one address.
 */
function readForwardedFor(server: FastifyInstance, { trustProxy }: Config): void {
  let warned = false;
  server.addHook('onRequest', (request, _reply, done) => {
    const { headers, socket } = request.raw;
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined) return done();
    if (trustProxy !== false) headers['x-forwarded-for'] = plainForwardedFor(String(forwarded));
    // `ips` has the peer, and each address behind it that a trusted proxy added.
    if (!warned && headers['x-forwarded-for'] !== '' && (request.ips?.length ?? 1) === 1) {
      warned = true;
      server.log.warn(
        { ip: socket.remoteAddress },
        'X-Forwarded-For of an untrusted address was ignored: if the address is a proxy of yours, add it to TRUST_PROXY, or all ' +
          'its clients share their rate limits',
      );
    }
    done();
  });
}

/** Refuses HTTP/1.1 requests without `Host` (RFC 9112 §3.2), and requests that the router refused. */
function refuseMalformed(server: FastifyInstance): void {
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    const hostless = raw.headers.host === undefined && raw.httpVersion === '1.1';
    const reason = hostless ? 'no Host' : refusedByRouter.get(raw);
    if (reason === undefined) return done();
    done(new Problem('bad_request', { reason }));
  });
}

/**
 * Sets the security headers of every response. Nest's own `useSecurityHeaders` and `enableCors` write to the raw response,
 * and merging the two makes a small response 50 % slower (bench/).
 */
function setHeaders(server: FastifyInstance, config: Config): void {
  const headers = securityHeaders(config);
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers).header('x-request-id', request.id);
    done();
  });
}

/** Headers that routes read, and headers of tracing tools. None of them carries authority. */
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
 * CORS for the origins in `WEB_ORIGINS` (Fetch Standard §3.2). Hand-written, because @fastify/cors reads
 * `request.routeOptions` at every request, which takes as long as the rest of a guarded request (bench/).
 */
function allowCors(server: FastifyInstance, { webOrigins }: Config): void {
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
    const { origin, 'access-control-request-method': requestedMethod } = request.headers;
    if (!permitted.has(origin)) return done();
    void reply.headers(always).header('access-control-allow-origin', origin);
    if (request.method !== 'OPTIONS' || requestedMethod === undefined) return done();
    void reply.code(204).headers(preflight).send();
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True if the route accepts form bodies, as providers send them to webhooks. */
    takesForms?: boolean;
  }
}

/**
 * Registers the body parsers: JSON, and forms where the route accepts them. An empty body is no body, so that clients which
 * always send a content type can call `POST /auth/logout`.
 */
function parseBodies(server: FastifyInstance): void {
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

/**
 * Logs one line per request, without the query, because queries of callbacks contain codes. Successful requests, and outages
 * with a line of their own (problems/outage-log.ts), are logged at `debug`.
 */
function logRequests(server: FastifyInstance, all: boolean): void {
  server.addHook('onResponse', (request, reply, done) => {
    const level = reply.statusCode < 400 || request.outageLogged === true ? 'debug' : 'info';
    if (level === 'debug' && !all) return done();
    const { method, routeOptions, ip } = request;
    request.log[level](
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
