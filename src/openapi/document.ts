import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import * as swagger from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { packageRoot } from '../config/package-root.js';
import { problemBody } from '../problems/problem-body.js';
import { applyDecorators } from './decorators.js';
import { ACCESS_TOKEN, completeOperation, operationsOf, problemsOf, REFRESH_COOKIE } from './operations.js';
import { problemExamples } from './problem-responses.js';
import { componentsFromZod } from './zod-components.js';

const DESCRIPTION = `The front gate of a web service: log in with Google, Kakao, Naver or an e-mail address.

**To log in on this page**, use the bar above. The page then gets an access token with the refresh cookie, keeps it in a
variable, sends it with each request, and refreshes it automatically.

**To log in from your own page**, send the browser to \`GET /auth/{provider}\` or call \`POST /auth/login\`. Both leave a
refresh cookie, which scripts cannot read. \`POST /auth/refresh\` exchanges it for a short-lived access token, to be sent as
\`Authorization: Bearer …\`. On 401 \`access_token_expired\`, refresh and repeat the request.

Errors are \`application/problem+json\` (RFC 9457); distinguish them by \`code\`. Unknown members of a body are refused.`;

const TAGS: readonly [name: string, description: string][] = [
  ['Account', 'Activity and deletion of an account.'],
  ['Social login', 'Login with an account of Google, Kakao or Naver.'],
  ['Local login', 'Login with an e-mail address and a password.'],
  ['Sessions', 'Refresh, logout, and the list of sessions.'],
  ['Keys', 'Public keys of access tokens, for other services.'],
  ['Users', 'Profiles.'],
  ['Boards', 'Boards, posts, comments and likes. Reading is public.'],
  ['Health', 'Health checks and metrics, for operators.'],
];

/** Returns the OpenAPI document of an application. It does not depend on the settings. */
export function describeApi(app: INestApplication): OpenAPIObject {
  const builder = new swagger.DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Daemun')
    .setDescription(DESCRIPTION)
    .setVersion(packageVersion())
    .setLicense('MIT', 'https://opensource.org/license/mit')
    // The origin that serves the document, because the refresh cookie of a reader belongs to it.
    .addServer('/')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The access token.' },
      ACCESS_TOKEN,
    )
    .addCookieAuth(
      '__Host-Http-refresh',
      {
        type: 'apiKey',
        in: 'cookie',
        description:
          'The refresh token. Browsers send it automatically. On plain http the cookie is called `refresh`.',
      },
      REFRESH_COOKIE,
    );
  for (const [name, description] of TAGS) builder.addTag(name, description);

  applyDecorators(swagger);
  const convert = componentsFromZod();
  const document = swagger.SwaggerModule.createDocument(app, builder.build(), {
    standardSchemaConverter: convert,
    operationIdFactory: (controller, method) => operationId(controller, method),
  });
  const operations = operationsOf(document).map(({ operation }) => operation);
  operations.forEach(completeOperation);
  document.components = {
    ...document.components,
    schemas: {
      ...document.components?.schemas,
      ...convert(problemBody, { schemaType: 'output' })?.components,
    },
    examples: problemExamples(new Set(operations.flatMap(problemsOf))),
  };
  return document;
}

/** Returns an operation id: `boardsRead` for `BoardsController.read`. */
function operationId(controller: string, method: string): string {
  const resource = controller.replace(/Controller$/, '');
  return `${resource.charAt(0).toLowerCase()}${resource.slice(1)}${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
