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
 * Decorators of @nestjs/swagger, or decorators without effect if it is not installed. Production does not install it: it is
 * needed for `docs/openapi.json` only, and depends on TypeScript.
 */
const decorators: Decorators = await import('@nestjs/swagger').catch((error: NodeJS.ErrnoException) => {
  // A missing dependency of @nestjs/swagger has the same code, and another package in the message.
  const isAbsent =
    error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes("package '@nestjs/swagger'");
  if (!isAbsent) throw error;
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
