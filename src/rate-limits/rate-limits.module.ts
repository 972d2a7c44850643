import { Global, Module } from '@nestjs/common';
import { RateLimits } from './rate-limits.js';

/** Limits on requests, for every service. */
@Global()
@Module({ providers: [RateLimits], exports: [RateLimits] })
export class RateLimitsModule {}
