import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { describeApi } from './docs/document.js';
import { OperatorError } from './operator-error.js';
import { packageRoot } from './package-root.js';
import { WEB_PAGES } from './web-pages.js';

/** Swagger UI, from its own package. */
const SWAGGER_UI_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js'];
/** What the web build calls its files: the hash of what is in them is part of the name. */
const ASSET = /^[\w.-]+-[\w-]{8}\.(js|css|svg)$/;
/** Browsers ask each time whether the file has changed, which costs a 304: a new version is there at once. */
const ASK_AGAIN = 'no-cache';
const FOREVER = 'public, max-age=31536000, immutable';

/** Serves the web page, and Swagger UI at `/docs`: at the paths listed here, and nowhere else. */
export async function serveWeb(app: NestFastifyApplication): Promise<void> {
  const web = join(packageRoot(), 'dist', 'web');
  if (!existsSync(join(web, 'index.html')))
    throw new OperatorError('The web page has not been built: run npm run build.');
  const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const server = app.getHttpAdapter().getInstance();
  await app.register(fastifyStatic, { root: [web, swaggerUi], serve: false, preCompressed: true });

  const send = (reply: FastifyReply, file: string, folder: string, cacheControl: string) =>
    reply.header('cache-control', cacheControl).sendFile(file, folder, { cacheControl: false });
  for (const path of WEB_PAGES) server.get(path, (_, reply) => send(reply, 'index.html', web, ASK_AGAIN));
  for (const path of ['/docs', '/docs/']) {
    server.get(path, (_, reply) => send(reply, 'docs/index.html', web, ASK_AGAIN));
  }
  for (const file of SWAGGER_UI_FILES) {
    server.get(`/docs/${file}`, (_, reply) => send(reply, file, swaggerUi, ASK_AGAIN));
  }
  server.get<{ Params: { file: string } }>('/assets/:file', ({ params: { file } }, reply) => {
    if (!ASSET.test(file) || !existsSync(join(web, 'assets', file))) return reply.callNotFound();
    return send(reply, `assets/${file}`, web, FOREVER);
  });
  // Somebody who followed a link to nowhere sees a page that says so; a program gets a problem.
  server.get('/*', ({ headers: { accept = '' } }, reply) =>
    accept.includes('text/html') ? send(reply.code(404), 'index.html', web, ASK_AGAIN) : reply.callNotFound(),
  );
  serveDocument(app);
}

/** The routes that it describes are there only when the application has started, so it is made when it is first read. */
function serveDocument(app: NestFastifyApplication): void {
  let document: OpenAPIObject | undefined;
  app
    .getHttpAdapter()
    .getInstance()
    .get('/docs/openapi.json', (_request, reply) =>
      reply.header('cache-control', ASK_AGAIN).send((document ??= describeApi(app))),
    );
}
