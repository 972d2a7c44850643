import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '../openapi/decorators.js';
import type { Access } from '../openapi/operations.js';

/** The metadata that the access guard reads. A route without any is closed. */
export const ACCESS = 'access';
export const ROLES = 'roles';

/** Opens a route to everyone; an access token that comes along is not even looked at. */
export const Public = () =>
  applyDecorators(SetMetadata(ACCESS, 'public' satisfies Access), ApiExtension('x-access', 'public'));

/** Opens a route to everyone, and tells it who is asking where an access token comes along. A bad token is refused. */
export const OptionalActor = () =>
  applyDecorators(SetMetadata(ACCESS, 'optional' satisfies Access), ApiExtension('x-access', 'optional'));

/** Closes a route, also one of a `@Public()` controller, to everyone who has none of these roles (403 `forbidden`). */
export const Roles = (...roles: [string, ...string[]]) =>
  applyDecorators(
    SetMetadata(ACCESS, 'closed' satisfies Access),
    SetMetadata(ROLES, roles),
    ApiExtension('x-access', 'closed'),
    ApiExtension('x-roles', roles),
  );
