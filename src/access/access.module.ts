import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { Denylist } from './revocations.js';
import { AccessTokenVerifier } from './access-token-verifier.js';

/** Verification of access tokens, and the guard of all routes. Global. */
@Module({})
export class AccessModule {
  /** @param keys module that exports the {@link KeySet}. */
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
