import type { OpenAPIObject } from '@nestjs/swagger';
import { PROBLEMS, type ProblemCode } from '../problems/catalogue.js';
import { problemResponse } from './problem-responses.js';

/** `x-access` of an operation: set by the access decorators, removed from the document. */
export type Access = 'public' | 'optional' | 'closed';
type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']> & {
  'x-access'?: Access;
  'x-roles'?: readonly string[];
};

/** Names of the security schemes. */
export const ACCESS_TOKEN = 'accessToken';
export const REFRESH_COOKIE = 'refreshCookie';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

/** Returns all operations of a document, with method and path. */
export function operationsOf(
  document: OpenAPIObject,
): { method: string; path: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation: Operation | undefined = item[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );
}

/** Adds security requirements and problems of the access guard and the HTTP layer to an operation. */
export function completeOperation(operation: Operation): void {
  const { 'x-access': access, 'x-roles': roles, requestBody } = operation;
  delete operation['x-access'];
  const token = { [ACCESS_TOKEN]: [] };
  // A public route that needs the refresh cookie declares it itself.
  operation.security =
    access === 'public' ? (operation.security ?? []) : access === 'optional' ? [{}, token] : [token];
  if (access !== 'public' && access !== 'optional') addProblems(operation, 'access_token_missing');
  if (access !== 'public')
    addProblems(operation, 'access_token_expired', 'access_token_invalid', 'session_ended');
  if (roles !== undefined) addProblems(operation, 'forbidden');
  if (requestBody !== undefined) {
    addProblems(operation, 'malformed_json', 'validation_failed', 'body_too_large', 'unsupported_media_type');
  }
  operation.responses['default'] = {
    ...problemResponse(['unexpected', 'temporarily_unavailable']),
    description: 'Any other problem, caused by the server',
  };
}

export function problemsOf({ responses }: Operation): ProblemCode[] {
  return Object.values(responses).flatMap(problemsIn);
}

/** Adds problems to the ones of the route's `@ApiProblems()`. */
function addProblems({ responses }: Operation, ...codes: ProblemCode[]): void {
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    const declared = problemsIn(responses[status]);
    if (!declared.includes(code))
      responses[status] = { description: '', ...problemResponse([...declared, code]) };
  }
}

function problemsIn(response: Operation['responses'][string]): ProblemCode[] {
  if (response === undefined || '$ref' in response) return [];
  return Object.keys(response.content?.['application/problem+json']?.examples ?? {}) as ProblemCode[];
}
