import { z } from 'zod';
import { MAX_SESSION_LIMIT } from '../../config/environment.js';

/** Token response of RFC 6749 §5.1, in camelCase. The refresh token is in the cookie instead. */
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

const listedSession = z
  .object({
    id: z.uuid(),
    current: z.boolean().meta({ description: 'True for the session of the request.' }),
    createdAt: z.iso.datetime(),
    lastSeenAt: z.iso
      .datetime()
      .meta({ description: 'Time of its last access token; to the hour if Redis is used.' }),
    idleExpiresAt: z.iso.datetime().meta({ description: 'Time at which it ends if it is not used before.' }),
    expiresAt: z.iso.datetime().meta({ description: 'Time at which it ends in any case.' }),
    ip: z.string().nullable(),
    device: z.string().meta({ example: 'Chrome on Windows' }),
    method: z.string().meta({ example: 'kakao' }),
  })
  .meta({ id: 'Session' });
export type ListedSession = z.output<typeof listedSession>;

export const sessionList = z.array(listedSession).max(MAX_SESSION_LIMIT);
