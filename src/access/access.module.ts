import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { Denylist } from './revocations.js';
import { AccessTokenVerifier } from './access-token-verifier.js';

/** What every service needs in order to trust a caller. */
@Module({})
export class AccessModule {
  /** Trusts the access tokens whose keys are in the {@link KeySet} that `keys` exports. */
  static forRoot(keys: Type): DynamicModule {
    return {
      module: AccessModule,
      global: true,
      imports: [keys],
      providers: [AccessTokenVerifier, Denylist, { provide: APP_GUARD, useClass: AccessGuard }],
      exports: [Denylist],
    };
  }
}
