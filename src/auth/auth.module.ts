import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { MailModule } from '../mail/mail.module.js';
import { OutboxModule } from '../outbox/outbox.module.js';
import type { Config } from '../config/config.js';
import { AccessTokens } from './sessions/access-tokens.js';
import { AccountController } from './self-service/account.controller.js';
import { Account } from './accounts/account.entity.js';
import { AuditLog } from './audit/audit-log.js';
import { AccountDeletion } from './self-service/account-deletion.js';
import { AuthRetention } from './auth-retention.js';
import { AccountMails } from './account-mails/account-mails.js';
import { MailBackoff } from './account-mails/mail-pauses.js';
import { MailThrottle } from './account-mails/mail-throttle.js';
import { KnownClients } from './rate-limits/known-clients.js';
import { LoginRateLimits } from './rate-limits/limits.js';
import { Login } from './login/login.js';
import { KeysModule } from './keys/keys.module.js';
import { LocalController } from './local/local.controller.js';
import { LocalGuard } from './local/local.guard.js';
import { LocalStrategy } from './local/local.strategy.js';
import { OneTimeToken } from './local/one-time-token.entity.js';
import { OneTimeTokens } from './local/one-time-tokens.js';
import { PasswordHashes } from './local/password-hashes.js';
import { PasswordsController } from './local/passwords.controller.js';
import { Passwords } from './local/passwords.js';
import { Registrations } from './local/registration.js';
import { Reauthentication } from './reauthentication/reauthentication.js';
import { RefreshCookie } from './sessions/refresh-cookie.js';
import { SessionRows } from './sessions/session-rows.js';
import { PauseDetector } from './sessions/pause-detector.js';
import { SessionCache } from './sessions/session-cache.js';
import { RevocationFeed } from './sessions/revocation-feed.js';
import { RefreshTokens } from './sessions/refresh-token.js';
import { Session } from './sessions/session.entity.js';
import { SessionStore } from './sessions/session-store.js';
import { SessionListController } from './sessions/session-list.controller.js';
import { SessionList } from './sessions/session-list.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { Sessions } from './sessions/sessions.js';
import { TransactionCookies } from './social/transaction-cookies.js';
import { IdentitiesController } from './social/identities.controller.js';
import { Identity } from './social/identity.entity.js';
import { Identities } from './social/identities.js';
import { ProviderGrants } from './social/provider-grants.js';
import { ProviderUnlink } from './social/provider-unlink.js';
import { PROVIDER_DEFINITIONS, PROVIDERS, Providers } from './social/providers.js';
import { SocialController } from './social/social.controller.js';
import { UnlinkNoticesController } from './social/unlink-notices.controller.js';
import { TokenResponses } from './sessions/token-response.js';

/** AuthService: everything about who someone is and how long that holds. */
@Module({})
export class AuthModule {
  /** Sessions are kept in PostgreSQL, and in front of it in Redis where there is one. */
  static forRoot({ redisUrls }: Config): DynamicModule {
    const redis = redisUrls.length > 0;
    return {
      module: AuthModule,
      imports: [
        KeysModule,
        MailModule,
        OutboxModule,
        TypeOrmModule.forFeature([Account, Identity, OneTimeToken, Session]),
      ],
      controllers: [
        SessionsController,
        SessionListController,
        LocalController,
        PasswordsController,
        AccountController,
        IdentitiesController,
        UnlinkNoticesController,
        SocialController,
      ],
      providers: [
        AccessTokens,
        RefreshTokens,
        RefreshCookie,
        TokenResponses,
        PauseDetector,
        Sessions,
        Login,
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
        AccountMails,
        KnownClients,
        LoginRateLimits,
        SessionRows,
        ...(redis ? [SessionCache] : []),
        { provide: SessionStore, useExisting: redis ? SessionCache : SessionRows },
        RevocationFeed,
        SessionList,
        AuditLog,
        AuthRetention,
        Providers,
        { provide: PROVIDER_DEFINITIONS, useValue: PROVIDERS },
        TransactionCookies,
        Identities,
        ProviderGrants,
        ProviderUnlink,
        MailBackoff,
        MailThrottle,
        AccountDeletion,
        Reauthentication,
      ],
    };
  }
}
