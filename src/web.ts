import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { describeApi } from './docs/document.js';
import { packageRoot } from './package-root.js';

/** What a page is made of. Whatever else may lie in the folder is not served. */
const FILE_TYPES = new Set(['.html', '.css', '.js', '.svg']);
/** Swagger UI, from its own package. */
const SWAGGER_UI_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js'];

/** Serves the web page at `/` and Swagger UI at `/docs`: one route for each file, so that no path leads anywhere else. */
export async function serveWeb(app: NestFastifyApplication): Promise<void> {
  const web = join(packageRoot(), 'web');
  const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  await app.register(fastifyStatic, { root: [web, swaggerUi], serve: false });
  for (const file of filesIn(web)) {
    for (const path of pathsOf(file)) serve(app, path, file, web);
  }
  for (const file of SWAGGER_UI_FILES) serve(app, `/docs/${file}`, file, swaggerUi);
  serveDocument(app);
}

/** The routes that it describes are there only when the application has started, so it is made when it is first read. */
function serveDocument(app: NestFastifyApplication): void {
  let document: OpenAPIObject | undefined;
  app
    .getHttpAdapter()
    .getInstance()
    .get('/docs/openapi.json', (_request, reply) =>
      reply.header('cache-control', 'no-cache').send((document ??= describeApi(app))),
    );
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => FILE_TYPES.has(extname(file)))
    .map((file) => file.replaceAll(sep, '/'));
}

/** A page is named by its folder, with and without a slash at the end: `docs/index.html` is `/docs` and `/docs/`. */
function pathsOf(file: string): string[] {
  const page = /^(?:(.+)\/)?index\.html$/.exec(file);
  if (page === null) return [`/${file}`];
  return page[1] === undefined ? ['/'] : [`/${page[1]}`, `/${page[1]}/`];
}

function serve(app: NestFastifyApplication, path: string, file: string, folder: string): void {
  app
    .getHttpAdapter()
    .getInstance()
    .get(path, (_request, reply) =>
      // Browsers ask each time whether the file has changed, which costs a 304: a new version is there at once.
      reply.header('cache-control', 'no-cache').sendFile(file, folder, { cacheControl: false }),
    );
}
