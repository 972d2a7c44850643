import { types } from 'node:util';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { postgresFailureOf } from '../stores/postgres-failures.js';
import type { ProblemCode } from './catalogue.js';
import { logOutage } from './outage-log.js';
import type { ProblemBody } from './problem-body.js';
import { Problem, temporarilyUnavailable } from './problem.js';

/** Exception filter: responds to every error with a problem. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

/**
 * Responds to an error with `application/problem+json` (RFC 9457). Reason and cause are only logged, with the same request
 * id.
 */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error);
  // The time limit has already produced a response (http/request-budget.ts).
  if (reply.sent && problem.status === 503) return;
  const { code, reason, cause, title } = problem;
  const line = { reqId: request.id, code, reason };
  if (problem.status === 503) {
    const { method, routeOptions } = request;
    const message = cause instanceof Error || types.isNativeError(cause) ? cause.message : undefined;
    logOutage(request, { ...line, reason: reason ?? code, message, method, route: routeOptions.url }, title);
  } else if (problem.status >= 500) request.log.error({ ...line, err: cause }, title);
  else request.log.info({ ...line, err: cause }, title);
  if (reply.sent) return;
  // A route may have set headers of its successful response before it failed.
  reply.removeHeader('etag');
  reply
    .code(problem.status)
    .headers({
      'cache-control': 'no-store',
      'content-type': 'application/problem+json; charset=utf-8',
      ...problem.headers,
    })
    .serializer(JSON.stringify)
    .send({
      type: `urn:daemun:problem:${problem.code}`,
      title: problem.title,
      status: problem.status,
      code: problem.code,
      detail: problem.detail,
      instance: request.originalUrl.split('?', 1)[0] ?? '',
      requestId: request.id,
      errors: problem.errors,
    } satisfies ProblemBody);
}

/** Returns the problem for a thrown value. Default: `unexpected`. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isHangUp(error)) return new Problem('bad_request', { reason: 'the client hung up while sending' });
  const failure = postgresFailureOf(error);
  if (failure !== undefined) return temporarilyUnavailable(`${failure.reason}: ${failure.remedy}`, error);
  const code = fastifyCode(error) ?? nestCode(error);
  // Without the error as cause, because its message may contain the query.
  if (code !== undefined) return new Problem(code, { reason: (error as { code?: string }).code });
  return new Problem('unexpected', { reason: 'unknown error', cause: error });
}

function fastifyCode(error: unknown): ProblemCode | undefined {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'unsupported_media_type';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return 'body_too_large';
  if (typeof code === 'string' && code.startsWith('FST_ERR_') && typeof statusCode === 'number') {
    return statusCode >= 400 && statusCode < 500 ? 'bad_request' : undefined;
  }
  return undefined;
}

function nestCode(error: unknown): ProblemCode | undefined {
  if (!(error instanceof HttpException)) return undefined;
  const status = error.getStatus();
  if (status === 404) return 'not_found';
  if (status === 413) return 'body_too_large';
  if (status === 415) return 'unsupported_media_type';
  return status >= 400 && status < 500 ? 'bad_request' : undefined;
}

/** Returns true for the error of Node.js about a body that ends early. */
function isHangUp(error: unknown): boolean {
  return (
    types.isNativeError(error) &&
    error.message === 'aborted' &&
    (error as NodeJS.ErrnoException).code === 'ECONNRESET'
  );
}
