import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { RefreshCookie } from './refresh-cookie.js';
import type { Tokens } from './sessions.js';

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
  .meta({ id: 'TokenAnswer' });
export type TokenResponse = z.output<typeof tokenResponse>;

/** Hands tokens to a client: one into the cookie, the other into the body. */
@Injectable()
export class TokenResponses {
  constructor(private readonly cookie: RefreshCookie) {}

  send(reply: FastifyReply, { accessToken, expiresIn, refreshToken }: Tokens): TokenResponse {
    this.cookie.set(reply, refreshToken);
    return { accessToken, tokenType: 'Bearer', expiresIn };
  }
}
