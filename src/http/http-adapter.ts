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
import { limitAnswerTime } from './request-budget.js';
import { securityHeaders } from './security-headers.js';
import { UnreadableRequests } from './unreadable-requests.js';
import { prepareOutageLog } from '../problems/outage-log.js';
import { ProblemFilter } from '../problems/problem.filter.js';
import { Problem } from '../problems/problem.js';
import { validation } from '../problems/validation.js';
import { serveWeb } from './static-files.js';

/** api.md: bodies are at most 64 KiB. */
const BODY_LIMIT = 64 * 1024;

/** How long (ms) a request may take to arrive. */
const ARRIVAL_MS = 15_000;

/** The HTTP server below Nest. */
export function createHttpAdapter(config: Config, logger: Logger): FastifyAdapter {
  const unreadable = new UnreadableRequests(logger, securityHeaders(config));
  const adapter = new FastifyAdapter({
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
    http: {
      headersTimeout: ARRIVAL_MS,
      connectionsCheckingInterval: 1_000,
      // Node.js would answer without headers and log; see refuseMalformed.
      requireHostHeader: false,
    },
    keepAliveTimeout: 65_000,
    return503OnClosing: false,
    multipart: false,
    // There is no Nest middleware here.
    skipMiddie: true,
    clientErrorHandler: (error: Error, socket) => unreadable.refuse(error, socket),
    frameworkErrors: (error: { code: string }, { raw }: FastifyRequest, { raw: response }: FastifyReply) => {
      refuseLikeOthers(server, raw, error.code, response);
    },
  });
  const server: FastifyInstance = adapter.getInstance();
  server.server
    // An unknown expectation is ignored (RFC 9110 §10.1.1); Node.js would answer 417 without headers.
    .on('checkExpectation', (request, response) => void server.server.emit('request', request, response))
    .on('connect', (_, socket: Socket) => unreadable.drop('CONNECT', socket));
  return adapter;
}

/** Requests that the router refused, such as those with a malformed URL, and its error code. */
const refusedByRouter = new WeakMap<IncomingMessage, string>();

/**
 * Routes a request again that the router refused, to a path without a route: a refusal by the router meets no hook, so that its
 * response would have neither headers nor a line in the log.
 */
function refuseLikeOthers(
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
  prepareOutageLog(server);
  readForwardedFor(server, config);
  setHeaders(server, config);
  allowCors(server, config);
  refuseMalformed(server);
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(validation);
  await app.register(fastifyCookie);
  takeJsonOnly(server);
  limitAnswerTime(server);
  logRequests(server, config.logLevel === 'debug' || config.logLevel === 'trace');
  await serveWeb(app, config);
}

/**
 * Normalises `X-Forwarded-For` before anything asks Fastify for the client's address, which it takes from the header as it is.
 * Warns once where the header comes from an address that `TRUST_PROXY` does not name: a proxy that was forgotten there makes all
 * of its clients one.
 */
function readForwardedFor(server: FastifyInstance, { trustProxy }: Config): void {
  let warned = false;
  server.addHook('onRequest', (request, _reply, done) => {
    const { headers, socket } = request.raw;
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined) return done();
    if (trustProxy !== false) headers['x-forwarded-for'] = plainForwardedFor(String(forwarded));
    // Fastify lists the peer, and behind it each address that a trusted proxy vouched for.
    if (!warned && headers['x-forwarded-for'] !== '' && (request.ips?.length ?? 1) === 1) {
      warned = true;
      server.log.warn(
        { ip: socket.remoteAddress },
        'X-Forwarded-For came from an address that TRUST_PROXY does not name, and was not believed: if a proxy of yours has ' +
          'it, name the proxy in TRUST_PROXY, or all its clients share their limits',
      );
    }
    done();
  });
}

/** Refuses requests of HTTP/1.1 without `Host` (RFC 9112 §3.2), and those that the router refused. */
function refuseMalformed(server: FastifyInstance): void {
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    const hostless = raw.headers.host === undefined && raw.httpVersion === '1.1';
    const reason = hostless ? 'no Host' : refusedByRouter.get(raw);
    if (reason === undefined) return done();
    done(new Problem('bad_request', { reason }));
  });
}

/**
 * What every answer says to browsers. Nest's own `useSecurityHeaders` and `enableCors` write past Fastify, to the raw
 * response; merging the two makes a small answer cost half as much again (bench/).
 */
function setHeaders(server: FastifyInstance, config: Config): void {
  const always = securityHeaders(config);
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

/**
 * Logs one line for each request, without the query, where callbacks carry codes. Requests that succeeded are logged at `debug`,
 * and so are outages, which have their own line (problems/outage-log.ts).
 */
function logRequests(server: FastifyInstance, all: boolean): void {
  server.addHook('onResponse', (request, reply, done) => {
    const went = reply.statusCode < 400 || request.outageLogged === true ? 'debug' : 'info';
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
