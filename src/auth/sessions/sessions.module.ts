import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Config } from '../../config/config.js';
import { CryptoModule } from '../../crypto/crypto.module.js';
import { MetricsModule } from '../../observability/metrics.module.js';
import { RateLimitsModule } from '../../rate-limits/rate-limits.module.js';
import { RedisModule } from '../../redis/redis.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { AccessTokens } from './access-tokens.js';
import { PauseDetector } from './pause-detector.js';
import { RefreshCookie } from './refresh-cookie.js';
import { RefreshTokens } from './refresh-token.js';
import { RevocationModule } from './revocation.module.js';
import { SessionCache } from './session-cache.js';
import { SessionListController } from './session-list.controller.js';
import { SessionList } from './session-list.js';
import { SessionRows } from './session-rows.js';
import { SessionStore } from './session-store.js';
import { Session } from './session.entity.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.js';
import { TokenResponses } from './token-responses.js';

/** Sessions: refresh token rotation and access tokens. */
@Module({
  imports: [
    CryptoModule,
    KeysModule,
    MetricsModule,
    RateLimitsModule,
    RedisModule,
    RevocationModule,
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
    SessionCache,
    {
      provide: SessionStore,
      inject: [Config, SessionRows, SessionCache],
      useFactory: ({ redisUrls }: Config, rows: SessionRows, cache: SessionCache): SessionStore =>
        redisUrls.length > 0 ? cache : rows,
    },
  ],
  exports: [Sessions, RefreshCookie, TokenResponses, RevocationModule],
})
export class SessionsModule {}
