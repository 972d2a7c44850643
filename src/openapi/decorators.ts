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

const recorded: ((swagger: Decorators) => void)[] = [];

/**
 * Returns a decorator of @nestjs/swagger that takes effect in {@link applyDecorators}. Only the generation of the OpenAPI
 * document loads @nestjs/swagger: it takes a fifth of the time of a start, and production does not install it.
 */
function deferred<Name extends keyof Decorators>(name: Name): Decorators[Name] {
  type Decorate = (...options: unknown[]) => (...target: unknown[]) => void;
  const decorate: Decorate =
    (...options) =>
    (...target) =>
      void recorded.push((swagger) => (swagger[name] as Decorate)(...options)(...target));
  return decorate as Decorators[Name];
}

export const ApiConsumes = deferred('ApiConsumes');
export const ApiCookieAuth = deferred('ApiCookieAuth');
export const ApiExtension = deferred('ApiExtension');
export const ApiHeader = deferred('ApiHeader');
export const ApiOkResponse = deferred('ApiOkResponse');
export const ApiOperation = deferred('ApiOperation');
export const ApiParam = deferred('ApiParam');
export const ApiProduces = deferred('ApiProduces');
export const ApiQuery = deferred('ApiQuery');
export const ApiResponse = deferred('ApiResponse');
export const ApiTags = deferred('ApiTags');

/** Applies the decorators of all classes that were loaded since the last call. */
export function applyDecorators(swagger: Decorators): void {
  for (const apply of recorded.splice(0)) apply(swagger);
}
