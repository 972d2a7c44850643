import { get as httpGet } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from './support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const get = (path: string, init?: RequestInit) => fetch(`${app.url}${path}`, init);

/** The status of an answer to `If-None-Match`; `fetch` would add that it wants no cache. */
function conditionally(path: string, etag: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpGet(`${app.url}${path}`, { headers: { 'if-none-match': etag } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
}

describe.each(['/', '/docs'])('the page at %s', (path) => {
  it('is HTML in UTF-8', async () => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  it('may run and style itself from files of ours only', async () => {
    const policy = (await get(path)).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).not.toContain('unsafe');
  });

  it('has no script or style in its HTML', async () => {
    const html = await (await get(path)).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/i);
  });

  it('names no file that is not there', async () => {
    const html = await (await get(path)).text();
    const files = Array.from(html.matchAll(/(?:src|href)="(\/[^"]*)"/g), ([, file]) => file ?? '');
    expect(files).not.toHaveLength(0);
    for (const file of files) expect([file, (await get(file)).status]).toEqual([file, 200]);
  });

  it('answers HEAD as GET, without the body', async () => {
    const response = await get(path, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
    expect(await response.text()).toBe('');
  });
});

describe('a file of the page', () => {
  it.each([
    ['/app.js', 'application/javascript; charset=utf-8'],
    ['/style.css', 'text/css; charset=utf-8'],
    ['/gate.svg', 'image/svg+xml'],
    ['/brands/google.svg', 'image/svg+xml'],
    ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'application/javascript; charset=utf-8'],
  ])('has its type: %s', async (path, type) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
  });

  it('is asked for again each time, and sent again only when it has changed', async () => {
    const { headers } = await get('/app.js');
    expect(headers.get('cache-control')).toBe('no-cache');
    const again = await conditionally('/app.js', headers.get('etag') ?? '');
    expect(again).toBe(304);
  });
});

it.each([
  '/nothing.js',
  '/docs/package.json',
  '/docs/swagger-ui-bundle.js.map',
  '/tsconfig.json',
  '/brands',
  '/brands/',
  '/index.html',
  '/../package.json',
  '/%2e%2e/package.json',
  '/brands/..%2f..%2fpackage.json',
  '/app.js/',
])('has nothing at %s', async (path) => {
  const response = await get(path);
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(await response.json()).toMatchObject({ code: 'not_found' });
});

it('leaves the paths of the API to the API', async () => {
  const response = await get('/users/me');
  expect(await response.json()).toMatchObject({ code: 'access_token_missing' });
});
