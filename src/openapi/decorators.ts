import type * as Swagger from '@nestjs/swagger';

type Decorators = Pick<
  typeof Swagger,
  | 'ApiConsumes'
  | 'ApiCookieAuth'
  | 'ApiExtension'
  | 'ApiHeader'
  | 'ApiOkResponse'
  | 'ApiOperation'
  | 'ApiParam'
  | 'ApiProduces'
  | 'ApiQuery'
  | 'ApiResponse'
  | 'ApiTags'
>;

/**
 * The decorators of @nestjs/swagger, or decorators without effect where it is not installed: it describes the API for
 * `docs/openapi.json`, and brings TypeScript along, which a production installation has no use for.
 */
const decorators: Decorators = await import('@nestjs/swagger').catch((error: NodeJS.ErrnoException) => {
  // The same code tells of a dependency of it that is missing, and the message names which.
  const absent = error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes("package '@nestjs/swagger'");
  if (!absent) throw error;
  const none = () => () => {};
  return new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : none) }) as Decorators;
});

export const {
  ApiConsumes,
  ApiCookieAuth,
  ApiExtension,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiResponse,
  ApiTags,
} = decorators;
