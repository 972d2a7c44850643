import { readFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WEB_PAGES } from '../../src/http/web-pages.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { PRODUCTION } from '../support/fixtures/production.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const get = (path: string, init?: RequestInit) => fetch(`${app.url}${path}`, init);

/** Returns the status for `If-None-Match`, because `fetch` adds Cache-Control: no-cache. */
function conditionally(path: string, etag: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpGet(`${app.url}${path}`, { headers: { 'if-none-match': etag } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
}

/** The files that a page references. */
const filesOf = (html: string) =>
  Array.from(html.matchAll(/(?:src|href)="(\/[^"]*)"/g), ([, file]) => file ?? '');

const pages = [...WEB_PAGES.map((path) => path.replace(':slug', 'free').replace(':id', '42')), '/docs'];
describe.each(pages)('the page at %s', (path) => {
  it('is HTML in UTF-8', async () => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  it('has a Content-Security-Policy for scripts and styles of its own origin only', async () => {
    const policy = (await get(path)).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("object-src 'none'");
    expect(policy).toContain("base-uri 'none'");
    expect(policy).not.toContain('unsafe');
  });

  it('has no inline script or style', async () => {
    const html = await (await get(path)).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/i);
  });

  it('references only existing files', async () => {
    const html = await (await get(path)).text();
    const files = filesOf(html);
    expect(files).not.toHaveLength(0);
    for (const file of files) expect([file, (await get(file)).status]).toEqual([file, 200]);
  });

  it('is revalidated each time, and sent again only if it has changed (ETag)', async () => {
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
  ])('has its content type: %s', async (extension, type) => {
    const files = assets.filter((file) => file.endsWith(`.${extension}`));
    expect(files).not.toHaveLength(0);
    for (const file of files) expect((await get(file)).headers.get('content-type')).toBe(type);
  });

  it('is named by its hash, and cached forever', async () => {
    for (const file of assets) {
      expect(file).toMatch(/^\/assets\/[\w.-]+-[\w-]{8}\.(js|css|svg)$/);
      expect((await get(file)).headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    }
  });

  it('is sent compressed to browsers that accept it', async () => {
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
  ])('of Swagger UI has its type, and is revalidated each time: %s', async (path, type) => {
    const { status, headers } = await get(path);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(await conditionally(path, headers.get('etag') ?? '')).toBe(304);
  });
});

describe('external images', () => {
  const imgSrc = (response: Response) =>
    /img-src ([^;]*)/.exec(response.headers.get('content-security-policy') ?? '')?.[1];
  const named = (html: string) => /<meta name="image-origins" content="([^"]*)"/.exec(html)?.[1];
  const PROVIDERS =
    'https://lh3.googleusercontent.com https://k.kakaocdn.net https://img1.kakaocdn.net https://t1.kakaocdn.net ' +
    'https://phinf.pstatic.net https://ssl.pstatic.net';

  it('are allowed from the hosts of the providers’ profile pictures only', async () => {
    const response = await get('/');
    expect(imgSrc(response)).toBe(`'self' data: ${PROVIDERS}`);
    expect(named(await response.text())).toBe(PROVIDERS);
  });

  it.each([
    ['none', "'self' data:", ''],
    [
      'https://Images.example.com, https://*.example.org',
      "'self' data: https://images.example.com https://*.example.org",
      'https://images.example.com https://*.example.org',
    ],
  ])('are allowed from the hosts in IMAGE_ORIGINS: %s', async (origins, policy, names) => {
    const other = await startApp({ IMAGE_ORIGINS: origins });
    try {
      const response = await fetch(`${other.url}/login`);
      expect(imgSrc(response)).toBe(policy);
      expect(named(await response.text())).toBe(names);
      expect(response.headers.get('etag')).not.toBe((await get('/login')).headers.get('etag'));
    } finally {
      await other.stop();
    }
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
])('the static file server has no file at %s', async (path) => {
  const response = await get(path);
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(await response.json()).toMatchObject({ code: 'not_found' });
});

it('an unknown path has a page for browsers', async () => {
  const response = await get('/nothing-here', { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect([response.status, response.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
});

it('API paths are answered with JSON, not with the page', async () => {
  const response = await get('/users/me');
  expect(await response.json()).toMatchObject({ code: 'access_token_missing' });
});

describe('the API documentation', () => {
  const PATHS = [
    '/docs',
    '/docs/',
    '/docs/swagger-ui.css',
    '/docs/swagger-ui-bundle.js',
    '/docs/openapi.json',
  ];
  const statuses = async (url: string) =>
    Promise.all(PATHS.map(async (path) => (await fetch(url + path)).status));

  it.each([
    ['is not served in production', {}, 404],
    ['is served in production where DOCS is public', { DOCS: 'public' }, 200],
  ])('%s, with all of its files', async (_, env, status) => {
    const own = await startApp({ ...PRODUCTION, ...env });
    try {
      expect(await statuses(own.url)).toEqual(PATHS.map(() => status));
    } finally {
      await own.stop();
    }
  });

  it('is the committed document in production', async () => {
    const own = await startApp({ ...PRODUCTION, DOCS: 'public' });
    try {
      const served = await fetch(`${own.url}/docs/openapi.json`);
      expect(served.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(await served.text()).toBe(readFileSync('docs/openapi.json', 'utf8'));
    } finally {
      await own.stop();
    }
  });

  it('has no link on the page when DOCS is off', async () => {
    const own = await startApp({ DOCS: 'off' });
    try {
      const link = '<meta name="api-docs" content="/docs" />';
      expect(await (await get('/')).text()).toContain(link);
      expect(await (await fetch(`${own.url}/`)).text()).not.toContain(link);
    } finally {
      await own.stop();
    }
  });
});
