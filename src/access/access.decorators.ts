import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '../openapi/decorators.js';
import type { Access } from '../openapi/operations.js';

/** Metadata keys for the access guard. A route without metadata is closed. */
export const ACCESS = 'access';
export const ROLES = 'roles';

/** Opens a route to every client. An access token is not read. */
export const Public = () =>
  applyDecorators(SetMetadata(ACCESS, 'public' satisfies Access), ApiExtension('x-access', 'public'));

/** Opens a route to every client, with an {@link Actor} for a request with an access token. An invalid token is refused. */
export const OptionalActor = () =>
  applyDecorators(SetMetadata(ACCESS, 'optional' satisfies Access), ApiExtension('x-access', 'optional'));

/** Restricts a route to callers with one of these roles (403 `forbidden`), also in a `@Public()` controller. */
export const Roles = (...roles: [string, ...string[]]) =>
  applyDecorators(
    SetMetadata(ACCESS, 'closed' satisfies Access),
    SetMetadata(ROLES, roles),
    ApiExtension('x-access', 'closed'),
    ApiExtension('x-roles', roles),
  );
