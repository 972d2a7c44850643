import type { OpenAPIObject } from '@nestjs/swagger';
import { PROBLEMS, type ProblemCode } from '../problems/catalogue.js';
import { problemResponse } from './problem-responses.js';

/** `x-access` of an operation, which the decorators of access control set and the document does not have. */
export type Access = 'public' | 'optional' | 'closed';
type PathItem = OpenAPIObject['paths'][string];
export type Operation = NonNullable<PathItem['get']> & {
  'x-access'?: Access;
  'x-roles'?: readonly string[];
};

/** The names of the security schemes. */
export const ACCESS_TOKEN = 'accessToken';
export const REFRESH_COOKIE = 'refreshCookie';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

/** Every operation of a document, with its method and path. */
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

/** Writes down what the guard and the HTTP layer do for every route, so that no controller has to say it. */
export function completeOperation(operation: Operation): void {
  const { 'x-access': access, 'x-roles': roles, requestBody } = operation;
  delete operation['x-access'];
  const token = { [ACCESS_TOKEN]: [] };
  // A public route may still live from the cookie; it says so itself.
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
    description: "Any other problem, which is ours and not the caller's",
  };
}

/** The codes of all problems that a route may answer with. */
export function problemsOf({ responses }: Operation): ProblemCode[] {
  return Object.values(responses).flatMap(problemsIn);
}

/** Adds problems to those that the route's `@Fails()` names. */
function addProblems({ responses }: Operation, ...codes: ProblemCode[]): void {
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    const known = problemsIn(responses[status]);
    if (!known.includes(code)) responses[status] = { description: '', ...problemResponse([...known, code]) };
  }
}

function problemsIn(response: Operation['responses'][string]): ProblemCode[] {
  if (response === undefined || '$ref' in response) return [];
  return Object.keys(response.content?.['application/problem+json']?.examples ?? {}) as ProblemCode[];
}
