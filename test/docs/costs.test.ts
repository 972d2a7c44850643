import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { poolOf } from '../../src/database/postgres-pool.js';
import { operationsOf } from '../../src/openapi/operations.js';
import { RATE_LIMITS } from '../../src/rate-limits/rate-limits.js';
import { signedIn, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

const page = readFileSync('docs/costs.md', 'utf8');
const { components, ...served } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as OpenAPIObject;
const operations = operationsOf(served).map(({ method, path, operation }) => ({
  name: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
  method,
  operation,
  limit: (operation as { 'x-rate-limit'?: string })['x-rate-limit'],
}));

/** Returns the cells of the table rows whose first cell matches. */
const rowsOf = (first: RegExp) =>
  page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2).split(/ *\| */))
    .filter(([cell = '']) => first.test(cell));
const routes = rowsOf(/^(`[A-Z]+ \/|”)/);

describe('docs/costs.md', () => {
  it('has every operation of the OpenAPI document once, and no other', () => {
    const named = routes.flatMap(([route = '']) => /^`([A-Z]+ \S+)`$/.exec(route)?.slice(1) ?? []);
    expect(named.toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
  });

  it('has a number of statements for each operation', () => {
    expect(routes.filter(([, statements = '']) => !/^(about )?\d+$/.test(statements))).toEqual([]);
  });

  it('has the rate limit of each operation with a limit', () => {
    const limited = operations.filter(({ limit }) => limit !== undefined);
    expect(limited.length).toBeGreaterThan(15);
    const missing = limited.filter(({ name, limit }) => {
      const at = routes.findIndex(([route]) => route === `\`${name}\``);
      // A row that begins with ” is about the same route.
      const own = routes.slice(at, routes[at + 1]?.[0]?.startsWith('”') ? at + 2 : at + 1);
      return !own.some(([, , , cell = '']) => cell.includes(`\`${limit}\``));
    });
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('has no other limit of an operation', () => {
    let limit: string | undefined;
    const unknown = routes.flatMap(([route = '', , , cell = '']) => {
      if (!route.startsWith('”')) limit = operations.find(({ name }) => route === `\`${name}\``)?.limit;
      return [...cell.matchAll(/`([a-z ]+)`/g)].flatMap(([, name]) =>
        name === limit ? [] : [[route, name]],
      );
    });
    expect(unknown).toEqual([]);
  });

  it('has the limits per account and network of the source', () => {
    const named = rowsOf(/^`[a-z]+`$/).map(([name = '', own = '', network = '', time]) => ({
      name: name.slice(1, -1),
      own: Number(own),
      network: network === '' ? undefined : Number(network),
      duration: { '1 min': 60, '1 h': 3_600 }[time ?? ''],
    }));
    expect(named).toEqual(
      Object.entries(RATE_LIMITS).map(([name, limit]) => ({
        name,
        own: limit.own.points,
        network: 'network' in limit ? limit.network.points : undefined,
        duration: limit.own.duration,
      })),
    );
  });
});

describe('the number of statements of a request', () => {
  let app: TestApp;
  let mina: SignedIn;
  beforeAll(async () => {
    // The embedded database, where the revocation feed does not poll.
    app = await startApp({ DATABASE_URL: '' });
    mina = await signedIn(app, { roles: ['user', 'admin'] });
  });
  afterAll(() => app.stop());

  /** Requests in sequence. `:slug` and `:id` stand for the result of the last creation. */
  const REQUESTS: readonly (readonly [route: string, body?: unknown, more?: string])[] = [
    ['POST /boards', { slug: 'tea', title: 'Tea' }],
    ['GET /boards'],
    ['GET /boards/:slug'],
    ['PATCH /boards/:slug', { title: 'More tea' }],
    ['POST /boards/:slug/posts', { title: 'T', body: 'tea' }],
    ['GET /boards/:slug/posts'],
    ['GET /boards/:slug/posts', undefined, '?sort=popular'],
    ['GET /posts/:id'],
    ['PATCH /posts/:id', { title: 'U' }],
    ['PUT /posts/:id/like'],
    ['DELETE /posts/:id/like'],
    ['POST /posts/:id/comments', { body: 'C' }],
    ['GET /posts/:id/comments'],
    ['DELETE /posts/:id'],
    ['DELETE /boards/:slug'],
    ['GET /users/me'],
    ['PATCH /users/me', { bio: 'I read' }],
    ['GET /users/:id'],
    ['GET /auth/identities'],
    ['GET /auth/events'],
    ['GET /auth/sessions'],
  ];

  it('is at most that of docs/costs.md, through the life of a post', async () => {
    const asked: string[] = [];
    const { logger } = app.database;
    const logQuery = logger.logQuery.bind(logger);
    logger.logQuery = (query, parameters, runner) => {
      if (!/^(START TRANSACTION|COMMIT)/.test(query)) asked.push(query);
      logQuery(query, parameters, runner);
    };
    // Prepared statements bypass TypeORM and its logger.
    const prepared = jest.spyOn(poolOf(app.database), 'query');
    let post = '';
    const more: unknown[] = [];
    for (const [i, [route, body, query = '']] of REQUESTS.entries()) {
      const [method = '', path = ''] = route.split(' ');
      const id = path.startsWith('/users') ? mina.id : post;
      const url = path.replace(':slug', 'tea').replace(':id', id) + query;
      asked.length = 0;
      prepared.mockClear();
      const answer = await mina.call(method, url, body, { 'idempotency-key': `key-${i}` });
      expect([route, answer.ok]).toEqual([route, true]);
      post = answer.headers.get('location')?.split('/posts/')[1] ?? post;
      const [, most] = routes.find(([name]) => name === `\`${route}\``) ?? [];
      const statements = [...asked, ...prepared.mock.calls];
      if (statements.length > Number(most)) more.push([route, most, statements]);
    }
    logger.logQuery = logQuery;
    prepared.mockRestore();
    expect(more).toEqual([]);
  });
});

describe('an operation of the OpenAPI document', () => {
  it('that writes for an account outside /auth has rate limits per account and network', () => {
    const unlimited = operations.filter(
      ({ name, method, limit }) =>
        method !== 'get' && !name.includes(' /auth/') && !(limit !== undefined && limit in RATE_LIMITS),
    );
    expect(unlimited.map(({ name }) => name)).toEqual([]);
  });

  it('with a rate limit documents 429', () => {
    const silent = operations.filter(
      ({ limit, operation }) => limit !== undefined && !operation.responses['429'],
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it('that returns an array limits its length', () => {
    const unbounded = operations.filter(({ operation: { responses } }) =>
      arraysIn(responses).some((most) => most === undefined),
    );
    expect(unbounded.map(({ name }) => name)).toEqual([]);
  });
});

/** Returns the `maxItems` of every array in a part of the document, also behind references. */
function arraysIn(part: unknown, seen = new Set<unknown>()): (number | undefined)[] {
  if (typeof part !== 'object' || part === null || seen.has(part)) return [];
  seen.add(part);
  const { $ref, type, maxItems } = part as { $ref?: unknown; type?: unknown; maxItems?: number };
  const named = typeof $ref === 'string' ? components?.schemas?.[$ref.split('/').at(-1) ?? ''] : undefined;
  const own = type === 'array' ? [maxItems] : [];
  return [...own, ...[named, ...Object.values(part)].flatMap((inner) => arraysIn(inner, seen))];
}
