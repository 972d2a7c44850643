import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { AccessGuard } from './access.guard.js';

/** Access guard of a service: verifies access tokens and checks their revocation. */
@Module({})
export class AccessModule {
  /**
   * Accepts access tokens that are signed with a key of the {@link KeySet} that `keys` exports, and not revoked by the
   * {@link RevocationCheck} that `revocation` exports. The guard applies to the routes of all modules.
   */
  static forRoot(keys: Type, revocation: Type): DynamicModule {
    return {
      module: AccessModule,
      imports: [keys, revocation],
      providers: [AccessTokenVerifier, { provide: APP_GUARD, useClass: AccessGuard }],
    };
  }
}
