import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RevocationFeed } from '../../access/revocation-feed.js';
import { Config } from '../../config/config.js';
import { CryptoModule } from '../../crypto/crypto.module.js';
import { MetricsModule } from '../../observability/metrics.module.js';
import { RateLimitsModule } from '../../rate-limits/rate-limits.module.js';
import { RedisModule } from '../../redis/redis.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { AccessTokens } from './access-tokens.js';
import { CacheInvalidation } from './cache-invalidation.js';
import { PauseDetector } from './pause-detector.js';
import { PostgresRevocationFeed } from './postgres-revocation-feed.js';
import { RefreshCookie } from './refresh-cookie.js';
import { RefreshTokens } from './refresh-token.js';
import { RevocationMetrics } from './revocation-metrics.js';
import { SessionCache } from './session-cache.js';
import { SessionListController } from './session-list.controller.js';
import { SessionList } from './session-list.js';
import { SessionRows } from './session-rows.js';
import { SessionStore } from './session-store.js';
import { Session } from './session.entity.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.js';
import { TokenResponses } from './token-responses.js';

/** Sessions: refresh token rotation, access tokens, and the revocation of both. */
@Module({
  imports: [
    CryptoModule,
    KeysModule,
    MetricsModule,
    RateLimitsModule,
    RedisModule,
    TypeOrmModule.forFeature([Session]),
  ],
  controllers: [SessionsController, SessionListController],
  providers: [
    AccessTokens,
    RefreshTokens,
    RefreshCookie,
    TokenResponses,
    PauseDetector,
    Sessions,
    SessionList,
    SessionRows,
    CacheInvalidation,
    SessionCache,
    {
      provide: SessionStore,
      inject: [Config, SessionRows, SessionCache],
      useFactory: ({ redisUrls }: Config, rows: SessionRows, cache: SessionCache): SessionStore =>
        redisUrls.length > 0 ? cache : rows,
    },
    PostgresRevocationFeed,
    { provide: RevocationFeed, useExisting: PostgresRevocationFeed },
    RevocationMetrics,
  ],
  exports: [Sessions, SessionRows, RefreshCookie, TokenResponses, RevocationFeed],
})
export class SessionsModule {}
