import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { operationsOf } from '../../src/openapi/operations.js';
import { problemBody } from '../../src/problems/problem-body.js';
import { WEB_PAGES } from '../../src/http/web-pages.js';
import { failure, signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

const FILE = 'docs/openapi.json';
/** Served files outside the API: the files of the pages and the OpenAPI document. */
const isPage = (path: string) =>
  /^\/(docs|assets)(\/|$)/.test(path) || path === '/*' || WEB_PAGES.some((page) => page === path);

const routes: string[] = [];

/** Records every route that is registered with Fastify. */
@Module({})
class RouteListener {
  constructor({ httpAdapter }: HttpAdapterHost<FastifyAdapter>) {
    httpAdapter.getInstance().addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) routes.push(`${each} ${url}`);
    });
  }
}

let app: TestApp;
let served: OpenAPIObject;
beforeAll(async () => {
  app = await startApp({}, [RouteListener]);
  served = (await (await fetch(`${app.url}/docs/openapi.json`)).json()) as OpenAPIObject;
});
afterAll(() => app.stop());

const operations = () =>
  operationsOf(served).map(({ method, path, operation }) => ({
    name: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    ...operation,
  }));

describe('the OpenAPI document', () => {
  it(`equals ${FILE}; if this fails, run: npm run openapi`, () => {
    expect(served).toEqual(JSON.parse(readFileSync(FILE, 'utf8')));
  });

  it('has every route, and no other', () => {
    const real = routes.filter((route) => {
      const [method, path = ''] = route.split(' ');
      return method !== 'HEAD' && method !== 'OPTIONS' && !isPage(path);
    });
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual([...new Set(real)].toSorted());
  });

  it('passes the linter without a warning', async () => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['node_modules/@redocly/cli/bin/cli.js', 'lint', FILE, '--format=json'],
      { env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
    ).catch((error: { stdout: string; stderr: string }) => error);
    const report = JSON.parse(stdout.slice(stdout.indexOf('{')) || `{"stderr":${JSON.stringify(stderr)}}`);
    expect(report).toMatchObject({ totals: { errors: 0, warnings: 0 } });
  });

  it('has a name, a summary, an explained tag and the errors of every operation', () => {
    const tags = served.tags?.map(({ name }) => name);
    for (const { name, operationId, summary, tags: own, responses } of operations()) {
      expect({ name, operationId, summary }).toEqual({
        name,
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/\w/),
      });
      expect(tags).toEqual(expect.arrayContaining(own ?? ['(none)']));
      expect(responses).toHaveProperty('default');
    }
  });

  it('tells which operations require an access token, accept a token or use the cookie', () => {
    const security = Object.fromEntries(operations().map(({ name, security }) => [name, security]));
    expect(security).toMatchObject({
      'GET /users/me': [{ accessToken: [] }],
      'GET /posts/:id': [{}, { accessToken: [] }],
      'GET /boards': [],
      'POST /auth/refresh': [{ refreshCookie: [] }],
    });
  });

  it('has the access rule of each operation', async () => {
    const ask = async (name: string, headers: Record<string, string>) => {
      const [method, path = ''] = name.split(' ');
      const answer = await fetch(app.url + path.replaceAll(/:\w+/g, 'x'), {
        method,
        headers,
        redirect: 'manual',
      });
      return /"code":"(\w+)"/.exec(await answer.text())?.[1];
    };
    for (const { name, security = [] } of operations()) {
      const [first = {}, second] = security;
      const asked = {
        needsOne: (await ask(name, {})) === 'access_token_missing',
        mayHaveOne: (await ask(name, { authorization: 'Bearer forged' })) === 'access_token_invalid',
      };
      const needsOne = 'accessToken' in first;
      const mayHaveOne = needsOne || (second !== undefined && 'accessToken' in second);
      expect({ name, ...asked }).toEqual({ name, needsOne, mayHaveOne });
    }
  });

  it('has the required role of each operation', async () => {
    const withRoles = operations().filter((operation) => operation['x-roles'] !== undefined);
    expect(withRoles).not.toEqual([]);
    const mina = await signedIn(app);
    for (const { name } of withRoles) {
      const [method = '', path = ''] = name.split(' ');
      expect([name, await failure(mina.call(method, path.replaceAll(/:\w+/g, 'x')))]).toEqual([
        name,
        { status: 403, code: 'forbidden' },
      ]);
    }
  });

  it('has the problems of the access guard and of bodies on all operations', () => {
    const change = operations().find(({ name }) => name === 'PATCH /users/me');
    const codes = Object.fromEntries(
      Object.entries(change?.responses ?? {}).map(([status, response]) => [
        status,
        Object.keys(
          (response && 'content' in response && response.content?.['application/problem+json']?.examples) ||
            {},
        ),
      ]),
    );
    expect(codes).toMatchObject({
      400: expect.arrayContaining(['validation_failed', 'malformed_json']),
      401: ['access_token_missing', 'access_token_expired', 'access_token_invalid', 'session_ended'],
      413: ['body_too_large'],
      415: ['unsupported_media_type'],
    });
  });

  it('distinguishes public, private and writable members of a profile', () => {
    const members = (name: string) => {
      const shape = served.components?.schemas?.[name];
      return Object.keys((shape && 'properties' in shape && shape.properties) || {}).toSorted();
    };
    expect(members('PublicProfile')).toEqual(['avatarUrl', 'bio', 'id', 'nickname']);
    expect(members('OwnProfile')).toEqual(['avatarUrl', 'bio', 'createdAt', 'id', 'locale', 'nickname']);
    expect(members('ProfileChanges')).toEqual(['avatarUrl', 'bio', 'locale', 'nickname']);
  });

  it('has each named schema once', () => {
    expect(served.paths['/users/me']?.get?.responses).toMatchObject({
      200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/OwnProfile' } } } },
    });
    expect(served.components?.schemas).toHaveProperty('OwnProfile');
  });
});

it('the OpenAPI document has the problems that requests return', async () => {
  const response = await fetch(`${app.url}/users/me`);
  expect(problemBody.strict().safeParse(await response.json())).toMatchObject({ success: true });
});
