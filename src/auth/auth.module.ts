import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { MailModule } from '../mail/mail.module.js';
import { OutboxModule } from '../outbox/outbox.module.js';
import type { Config } from '../config.js';
import { AccessTokens } from './access-tokens.js';
import { AccountController } from './account.controller.js';
import { Account } from './account.entity.js';
import { AuditEvents } from './audit-events.js';
import { Departures } from './departures.js';
import { Housekeeping } from './housekeeping.js';
import { Letters } from './letters.js';
import { MailPauses } from './mail-pauses.js';
import { MailThrottle } from './mail-throttle.js';
import { KnownClients } from './limits/known-clients.js';
import { Limits } from './limits/limits.js';
import { LogIn } from './log-in.js';
import { KeysModule } from './keys/keys.module.js';
import { LocalController } from './local/local.controller.js';
import { LocalGuard } from './local/local.guard.js';
import { LocalStrategy } from './local/local.strategy.js';
import { OneTimeTokens } from './local/one-time-tokens.js';
import { PasswordHashes } from './local/password-hashes.js';
import { PasswordsController } from './local/passwords.controller.js';
import { Passwords } from './local/passwords.js';
import { Registrations } from './local/registration.js';
import { Reauthentication } from './reauthentication.js';
import { RefreshCookie } from './refresh-cookie.js';
import { PostgresSessionStore } from './sessions/postgres-session-store.js';
import { Pulse } from './sessions/pulse.js';
import { RedisSessionStore } from './sessions/redis-session-store.js';
import { RevocationNews } from './sessions/revocation-news.js';
import { RefreshTokens } from './sessions/refresh-token.js';
import { SessionStore } from './sessions/session-store.js';
import { SessionListController } from './sessions/session-list.controller.js';
import { SessionList } from './sessions/session-list.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { Sessions } from './sessions/sessions.js';
import { AttemptCookies } from './social/attempt-cookies.js';
import { IdentitiesController } from './social/identities.controller.js';
import { Identities } from './social/identities.js';
import { ProviderGrants } from './social/provider-grants.js';
import { ProviderUnlink } from './social/provider-unlink.js';
import { PROVIDER_DEFINITIONS, PROVIDERS, Providers } from './social/providers.js';
import { SocialController } from './social/social.controller.js';
import { UnlinkedController } from './social/unlinked.controller.js';
import { TokenAnswers } from './token-answer.js';

/** AuthService: everything about who someone is and how long that holds. */
@Module({})
export class AuthModule {
  /** Sessions are kept in PostgreSQL, and in front of it in Redis where there is one. */
  static from({ redisUrls }: Config): DynamicModule {
    const redis = redisUrls.length > 0;
    return {
      module: AuthModule,
      imports: [KeysModule, MailModule, OutboxModule, TypeOrmModule.forFeature([Account])],
      controllers: [
        SessionsController,
        SessionListController,
        LocalController,
        PasswordsController,
        AccountController,
        IdentitiesController,
        UnlinkedController,
        SocialController,
      ],
      providers: [
        AccessTokens,
        RefreshTokens,
        RefreshCookie,
        TokenAnswers,
        Pulse,
        Sessions,
        LogIn,
        LocalGuard,
        LocalStrategy,
        OneTimeTokens,
        {
          provide: PasswordHashes,
          inject: [DataSource],
          useFactory: (dataSource: DataSource) => PasswordHashes.of(dataSource),
        },
        Registrations,
        Passwords,
        Letters,
        KnownClients,
        Limits,
        PostgresSessionStore,
        ...(redis ? [RedisSessionStore] : []),
        { provide: SessionStore, useExisting: redis ? RedisSessionStore : PostgresSessionStore },
        RevocationNews,
        SessionList,
        AuditEvents,
        Housekeeping,
        Providers,
        { provide: PROVIDER_DEFINITIONS, useValue: PROVIDERS },
        AttemptCookies,
        Identities,
        ProviderGrants,
        ProviderUnlink,
        MailPauses,
        MailThrottle,
        Departures,
        Reauthentication,
      ],
    };
  }
}
