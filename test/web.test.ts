import { get as httpGet } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WEB_PAGES } from '../src/web-pages.js';
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

/** The files that a page names. */
const filesOf = (html: string) =>
  Array.from(html.matchAll(/(?:src|href)="(\/[^"]*)"/g), ([, file]) => file ?? '');

const pages = [...WEB_PAGES.map((path) => path.replace(':slug', 'free').replace(':id', '42')), '/docs'];
describe.each(pages)('the page at %s', (path) => {
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
    expect(policy).toContain("object-src 'none'");
    expect(policy).toContain("base-uri 'none'");
    expect(policy).not.toContain('unsafe');
  });

  it('has no script or style in its HTML', async () => {
    const html = await (await get(path)).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/i);
  });

  it('names no file that is not there', async () => {
    const html = await (await get(path)).text();
    const files = filesOf(html);
    expect(files).not.toHaveLength(0);
    for (const file of files) expect([file, (await get(file)).status]).toEqual([file, 200]);
  });

  it('is asked for again each time, and sent again only when it has changed', async () => {
    const { headers } = await get(path);
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(await conditionally(path, headers.get('etag') ?? '')).toBe(304);
  });

  it('answers HEAD as GET, without the body', async () => {
    const response = await get(path, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
    expect(await response.text()).toBe('');
  });
});

describe('a file of the page', () => {
  let assets: string[];
  beforeAll(async () => {
    const html = (await (await get('/')).text()) + (await (await get('/docs')).text());
    assets = filesOf(html).filter((file) => file.startsWith('/assets/'));
  });

  it.each([
    ['js', 'application/javascript; charset=utf-8'],
    ['css', 'text/css; charset=utf-8'],
    ['svg', 'image/svg+xml'],
  ])('has its type: %s', async (extension, type) => {
    const files = assets.filter((file) => file.endsWith(`.${extension}`));
    expect(files).not.toHaveLength(0);
    for (const file of files) expect((await get(file)).headers.get('content-type')).toBe(type);
  });

  it('is named after what is in it, and kept for good', async () => {
    for (const file of assets) {
      expect(file).toMatch(/^\/assets\/[\w.-]+-[\w-]{8}\.(js|css|svg)$/);
      expect((await get(file)).headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    }
  });

  it('is sent compressed to browsers that can read it so', async () => {
    const script = assets.find((file) => file.endsWith('.js')) ?? '';
    const sizeOf = async (encoding: string) => {
      const { headers } = await get(script, { headers: { 'accept-encoding': encoding }, method: 'HEAD' });
      return Number(headers.get('content-length'));
    };
    expect(await sizeOf('gzip')).toBeLessThan((await sizeOf('identity')) / 2);
  });

  it.each([
    ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'application/javascript; charset=utf-8'],
  ])('of Swagger UI has its type, and is asked for again each time: %s', async (path, type) => {
    const { status, headers } = await get(path);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(await conditionally(path, headers.get('etag') ?? '')).toBe(304);
  });
});

it.each([
  '/nothing.js',
  '/app.js',
  '/main.tsx',
  '/login/',
  '/b',
  '/b/free/else',
  '/me/else',
  '/docs/package.json',
  '/docs/swagger-ui-bundle.js.map',
  '/tsconfig.json',
  '/vite.config.ts',
  '/.made-of',
  '/.git/HEAD',
  '/.git/config',
  '/.gitignore',
  '/.env',
  '/assets',
  '/assets/',
  '/assets/index-00000000.js',
  '/assets/..%2findex.html',
  '/assets/..%2f.made-of',
  '/assets/..%2f..%2f..%2fpackage.json',
  '/index.html',
  '/../package.json',
  '/%2e%2e/package.json',
])('has nothing at %s', async (path) => {
  const response = await get(path);
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(await response.json()).toMatchObject({ code: 'not_found' });
});

it('has a page for a person whose address leads nowhere', async () => {
  const response = await get('/nothing-here', { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect([response.status, response.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
});

it('leaves the paths of the API to the API', async () => {
  const response = await get('/users/me');
  expect(await response.json()).toMatchObject({ code: 'access_token_missing' });
});
