import { Module } from '@nestjs/common';
import { RedisModule } from '../../redis/redis.module.js';
import { KnownClients } from './known-clients.js';
import { LoginRateLimits } from './login-rate-limits.js';

/** Rate limits of passwords, recipients of mails and callbacks. */
@Module({
  imports: [RedisModule],
  providers: [KnownClients, LoginRateLimits],
  exports: [KnownClients, LoginRateLimits],
})
export class LoginRateLimitsModule {}
