import { createHash } from 'node:crypto';
import { applyDecorators } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiHeader, ApiResponse } from '../openapi/decorators.js';

/** Documents in OpenAPI that a route responds with {@link sendWithEtag}. */
export const ConditionalGet = () =>
  applyDecorators(
    ApiHeader({ name: 'If-None-Match', required: false, description: 'The `ETag` of an earlier response.' }),
    ApiResponse({ status: 304, description: 'The earlier response is still current' }),
  );

/**
 * Returns the body with an `ETag`, or sends 304 if `If-None-Match` has this tag (RFC 9110 §13.1.2). Caches may store the
 * response, and revalidate each time.
 */
export function sendWithEtag<T>(reply: FastifyReply, body: T, version?: number): T | undefined {
  const tag = setEtag(reply, body, version);
  const { actor, headers } = reply.request;
  const personal = actor !== undefined;
  void reply.headers({
    vary: 'Origin, Authorization',
    'cache-control': personal ? 'private, no-cache' : 'public, no-cache',
  });
  if (!matches(headers['if-none-match'], tag)) return body;
  void reply.code(304);
  return undefined;
}

/**
 * Sets the `ETag`: a hash of the body, after the `version` of a resource that clients change ({@link versionsIn} reads it).
 * A `nextCursor` counts only as present or absent, since a cursor of an earlier response with the same items still works.
 */
export function setEtag(reply: FastifyReply, body: unknown, version?: number): string {
  const json = JSON.stringify(body, (member, value: unknown) =>
    member === 'nextCursor' ? value !== null : value,
  );
  const hash = createHash('sha256').update(json).digest('base64url').slice(0, 16);
  const tag = version === undefined ? `"${hash}"` : `"${version}.${hash}"`;
  void reply.header('etag', tag);
  return tag;
}

/** Returns true if `If-None-Match` has the tag, by weak comparison. */
function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((entry) => ['*', tag, `W/${tag}`].includes(entry.trim()));
}

/**
 * Returns the versions in `If-Match`; undefined if any version matches. Unknown tags have no version. The hash is ignored,
 * because a like or a new nickname changes it, and must not block an author's change.
 */
export function versionsIn(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  return ifMatch.split(',').flatMap((tag) => {
    // Compressing proxies make tags weak.
    const version = /^(?:W\/)?"([1-9]\d{0,8})\.[\w-]{16}"$/.exec(tag.trim())?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}
