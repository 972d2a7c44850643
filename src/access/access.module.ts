import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { Denylist } from './denylist.js';
import { RevocationCheck } from './revocation-check.js';
import { AccessTokenVerifier } from './access-token-verifier.js';

/** Access guard of a service: verifies access tokens and checks their revocation. */
@Module({})
export class AccessModule {
  /**
   * Accepts access tokens that are signed with a key of the {@link KeySet} that `keys` exports, and not revoked by the
   * {@link RevocationFeed} that `revocations` exports.
   */
  static forRoot(keys: Type, revocations: Type): DynamicModule {
    return {
      module: AccessModule,
      global: true,
      imports: [keys, revocations],
      providers: [
        AccessTokenVerifier,
        Denylist,
        RevocationCheck,
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
      exports: [Denylist, RevocationCheck],
    };
  }
}
