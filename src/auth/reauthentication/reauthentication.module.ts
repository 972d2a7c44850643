import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { LocalModule } from '../local/local.module.js';
import { LoginRateLimitsModule } from '../rate-limits/login-rate-limits.module.js';
import { Reauthentication } from './reauthentication.js';

/** Reauthentication before sensitive changes of an account. */
@Module({
  imports: [AccountsModule, LocalModule, LoginRateLimitsModule],
  providers: [Reauthentication],
  exports: [Reauthentication],
})
export class ReauthenticationModule {}
