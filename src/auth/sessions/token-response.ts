import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { RefreshCookie } from './refresh-cookie.js';
import { AccessTokens } from './access-tokens.js';
import type { ClientSession } from './sessions.js';

/** RFC 6749 §5.1, in camelCase. The refresh token is not in it: that is the cookie's. */
export const tokenResponse = z
  .object({
    accessToken: z.string().meta({
      description: 'An ES256 JWT for `Authorization: Bearer …`. Keep it in a variable.',
      example: 'eyJhbGciOiJFUzI1NiIs…',
    }),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().meta({ description: 'Seconds.', example: 600 }),
  })
  .meta({ id: 'TokenResponse' });
export type TokenResponse = z.output<typeof tokenResponse>;

/** Sends tokens to a client: the refresh token in the cookie, a new access token in the body. */
@Injectable()
export class TokenResponses {
  constructor(
    private readonly cookie: RefreshCookie,
    private readonly accessTokens: AccessTokens,
  ) {}

  send(reply: FastifyReply, { actor, refreshToken }: ClientSession): TokenResponse {
    this.cookie.set(reply, refreshToken);
    const expiresIn = this.accessTokens.lifetime();
    return { accessToken: this.accessTokens.issue(actor, expiresIn), tokenType: 'Bearer', expiresIn };
  }
}
