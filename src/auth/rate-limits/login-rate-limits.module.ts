import { Module } from '@nestjs/common';
import { RedisModule } from '../../redis/redis.module.js';
import { KnownClients } from './known-clients.js';
import { LoginRateLimits } from './limits.js';

/** Rate limits of logins, registrations and mails. */
@Module({
  imports: [RedisModule],
  providers: [KnownClients, LoginRateLimits],
  exports: [KnownClients, LoginRateLimits],
})
export class LoginRateLimitsModule {}
