import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import type { ProblemCode } from '../../problems/catalogue.js';
import { logOutage } from '../../problems/outage-log.js';
import { sendProblem, problemOf } from '../../problems/problem.filter.js';
import type { LoginErrorCode } from './login-error.js';
import { defaultPage, withLoginError } from './return-to.js';

/** Problems that redirect to the page. All others are mistakes in the link, and are answered as problems. */
const REDIRECTED: Partial<Record<ProblemCode, LoginErrorCode>> = {
  temporarily_unavailable: 'temporarily_unavailable',
  unexpected: 'unexpected',
};

/** Redirects a navigation to the page with `?login_error=` when a login cannot start. Other requests get a problem. */
@Catch()
export class AuthorizeErrorFilter implements ExceptionFilter {
  constructor(private readonly config: Config) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = problemOf(error);
    const code = REDIRECTED[problem.code];
    if (code === undefined || request.headers['sec-fetch-mode'] !== 'navigate') {
      return sendProblem(error, request, reply);
    }
    const { id: reqId, log } = request;
    const line = { reqId, loginError: code, reason: problem.reason ?? code, err: problem.cause };
    if (code === 'temporarily_unavailable') logOutage(request, line, 'login could not start');
    else log.error(line, 'login could not start');
    void reply
      .code(303)
      .header('location', withLoginError(defaultPage(this.config), code))
      .send();
  }
}
