import { createHash } from 'node:crypto';
import { applyDecorators } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiHeader, ApiResponse } from '../openapi/decorators.js';

/** Says in the documentation that an answer comes through {@link sendWithEtag}. */
export const ConditionalGet = () =>
  applyDecorators(
    ApiHeader({ name: 'If-None-Match', required: false, description: 'The `ETag` of what one has already.' }),
    ApiResponse({ status: 304, description: 'What one has is still so' }),
  );

/**
 * Gives what was asked for with an `ETag`, or 304 where the client says that it has this very answer (RFC 9110 §13.1.2).
 * Caches may keep it, and ask each time.
 */
export function sendWithEtag<T>(reply: FastifyReply, answer: T, version?: number): T | undefined {
  const tag = setEtag(reply, answer, version);
  const { actor, headers } = reply.request;
  const personal = actor !== undefined;
  void reply.headers({
    vary: 'Origin, Authorization',
    'cache-control': personal ? 'private, no-cache' : 'public, no-cache',
  });
  if (!matches(headers['if-none-match'], tag)) return answer;
  void reply.code(304);
  return undefined;
}

/**
 * Names an answer by its `ETag`. `version`, which {@link versionsIn} reads, comes first in that of what can be changed. Of the
 * place where a list goes on it counts only whether there is one: who knows these items can go on from where they know.
 */
export function setEtag(reply: FastifyReply, answer: unknown, version?: number): string {
  const said = JSON.stringify(answer, (member, value: unknown) =>
    member === 'nextCursor' ? value !== null : value,
  );
  const hash = createHash('sha256').update(said).digest('base64url').slice(0, 16);
  const tag = version === undefined ? `"${hash}"` : `"${version}.${hash}"`;
  void reply.header('etag', tag);
  return tag;
}

/** Whether `If-None-Match` names a tag, by weak comparison. */
function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((each) => ['*', tag, `W/${tag}`].includes(each.trim()));
}

/**
 * The versions that `If-Match` names; undefined when any will do. What is not an ETag of ours names none. A like or another
 * nickname changes the tag, but not the version, and must not get in the way of an author's change: only the version counts.
 */
export function versionsIn(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  return ifMatch.split(',').flatMap((tag) => {
    // What compresses answers on their way makes tags weak.
    const version = /^(?:W\/)?"([1-9]\d{0,8})\.[\w-]{16}"$/.exec(tag.trim())?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}
