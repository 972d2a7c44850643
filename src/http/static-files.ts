import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';
import { OperatorError } from '../config/operator-error.js';
import { packageRoot } from '../config/package-root.js';
import { WEB_PAGES } from './web-pages.js';

/** Files of Swagger UI in its package; the script refers to the file with licences. */
const SWAGGER_UI_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt'];
/** Licences of the packages in the page, written by its build. */
const NOTICES = 'assets/third-party-notices.txt';
/** File names of the web build, with a hash of the content. */
const ASSET = /^[\w.-]+-[\w-]{8}\.(js|css|svg)$/;
/** Browsers revalidate at each use, so that a new version is visible at once. */
const REVALIDATE = 'no-cache';
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Serves the web page, and Swagger UI at `/docs` if `DOCS` is public. Only the listed files are served. */
export async function serveWeb(app: NestFastifyApplication, config: Config): Promise<void> {
  const web = join(packageRoot(), 'dist', 'web');
  if (!existsSync(join(web, 'index.html')))
    throw new OperatorError('The web page has not been built: run npm run build.');
  const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const server = app.getHttpAdapter().getInstance();
  await app.register(fastifyStatic, { root: [web, swaggerUi], serve: false, preCompressed: true });

  const send = (reply: FastifyReply, file: string, folder: string, cacheControl: string) =>
    reply.header('cache-control', cacheControl).sendFile(file, folder, { cacheControl: false });
  const page = renderedPage(join(web, 'index.html'), config);
  const sendPage = async (request: FastifyRequest, reply: FastifyReply) => {
    const { html, etag } = await page();
    void reply.headers({ 'cache-control': REVALIDATE, etag }).type('text/html; charset=utf-8');
    // Compressing proxies make tags weak.
    if (reply.statusCode === 200 && request.headers['if-none-match']?.includes(etag))
      return reply.code(304).send();
    return reply.send(html);
  };
  for (const path of WEB_PAGES) server.get(path, sendPage);
  if (config.docs === 'public') {
    for (const path of ['/docs', '/docs/']) {
      server.get(path, (_, reply) => send(reply, 'docs/index.html', web, REVALIDATE));
    }
    for (const file of SWAGGER_UI_FILES) {
      server.get(`/docs/${file}`, (_, reply) => send(reply, file, swaggerUi, REVALIDATE));
    }
    serveDocument(app, config);
  }
  server.get(`/${NOTICES}`, (_, reply) => send(reply, NOTICES, web, REVALIDATE));
  server.get<{ Params: { file: string } }>('/assets/:file', ({ params: { file } }, reply) => {
    if (!ASSET.test(file) || !existsSync(join(web, 'assets', file))) return reply.callNotFound();
    return send(reply, `assets/${file}`, web, IMMUTABLE);
  });
  // An unknown path gives browsers the page, with its own message, and programs a problem.
  server.get('/*', (request, reply) =>
    request.headers.accept?.includes('text/html') ? sendPage(request, reply.code(404)) : reply.callNotFound(),
  );
}

/** Returns a function that gives the page and its entity tag. Both are computed again after the file has changed. */
function renderedPage(file: string, config: Config): () => Promise<{ html: string; etag: string }> {
  let rendered: { html: string; etag: string; mtimeMs: number } | undefined;
  return async () => {
    const { mtimeMs } = await stat(file);
    if (rendered?.mtimeMs === mtimeMs) return rendered;
    const html = withSettings(await readFile(file, 'utf8'), config);
    const etag = `"${createHash('sha256').update(html).digest('base64url').slice(0, 16)}"`;
    return (rendered = { html, etag, mtimeMs });
  };
}

/** Writes settings into the page's meta elements, so that the page needs neither a request nor another build for them. */
function withSettings(html: string, { imageOrigins, docs }: Config): string {
  const meta = (name: string) => new RegExp(`(<meta name="${name}" content=")[^"]*`);
  return html
    .replace(meta('image-origins'), `$1${imageOrigins.join(' ')}`)
    .replace(meta('api-docs'), docs === 'public' ? '$&' : '$1');
}

/**
 * Serves the OpenAPI document. Production serves the committed file, because @nestjs/swagger is not installed there.
 * Development generates it at the first request, because the routes exist only after the start.
 */
function serveDocument(app: NestFastifyApplication, { production }: Config): void {
  const read = async (): Promise<object | string> => {
    if (production) return readFileSync(join(packageRoot(), 'docs', 'openapi.json'), 'utf8');
    const { describeApi } = await import('../openapi/document.js');
    return describeApi(app);
  };
  let document: Promise<object | string> | undefined;
  app
    .getHttpAdapter()
    .getInstance()
    .get('/docs/openapi.json', async (_request, reply) =>
      reply
        .header('cache-control', REVALIDATE)
        .type('application/json; charset=utf-8')
        .send(await (document ??= read())),
    );
}
