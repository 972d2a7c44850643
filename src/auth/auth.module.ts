import { Module } from '@nestjs/common';
import { AccessTokens } from './access-tokens.js';
import { LogIn } from './log-in.js';
import { KeysModule } from './keys/keys.module.js';
import { RefreshCookie } from './refresh-cookie.js';
import { PostgresSessionStore } from './sessions/postgres-session-store.js';
import { RefreshTokens } from './sessions/refresh-token.js';
import { SessionStore } from './sessions/session-store.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { Sessions } from './sessions/sessions.js';
import { AttemptCookies } from './social/attempt-cookies.js';
import { Identities } from './social/identities.js';
import { PROVIDER_DEFINITIONS, PROVIDERS, Providers } from './social/providers.js';
import { SocialController } from './social/social.controller.js';
import { TokenAnswers } from './token-answer.js';

/** AuthService: everything about who someone is and how long that holds. */
@Module({
  imports: [KeysModule],
  controllers: [SessionsController, SocialController],
  providers: [
    AccessTokens,
    RefreshTokens,
    RefreshCookie,
    TokenAnswers,
    Sessions,
    LogIn,
    { provide: SessionStore, useClass: PostgresSessionStore },
    Providers,
    { provide: PROVIDER_DEFINITIONS, useValue: PROVIDERS },
    AttemptCookies,
    Identities,
  ],
})
export class AuthModule {}
