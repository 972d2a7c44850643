import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { RefreshCookie } from './refresh-cookie.js';
import { AccessTokens } from './access-tokens.js';
import type { TokenResponse } from './schemas.js';
import type { ClientSession } from './sessions.js';

/** Sends tokens to a client: the refresh token in the cookie, a new access token in the body. */
@Injectable()
export class TokenResponses {
  constructor(
    private readonly cookie: RefreshCookie,
    private readonly accessTokens: AccessTokens,
  ) {}

  send(reply: FastifyReply, { actor, refreshToken }: ClientSession): TokenResponse {
    const expiresIn = this.accessTokens.lifetime();
    const accessToken = this.accessTokens.issue(actor, expiresIn);
    this.cookie.set(reply, refreshToken);
    return { accessToken, tokenType: 'Bearer', expiresIn };
  }
}
