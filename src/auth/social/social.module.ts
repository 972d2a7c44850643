import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CryptoModule } from '../../crypto/crypto.module.js';
import { MetricsModule } from '../../observability/metrics.module.js';
import { OutboxModule } from '../../outbox/outbox.module.js';
import { AccountMailsModule } from '../account-mails/account-mails.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { LocalModule } from '../local/local.module.js';
import { LoginModule } from '../login/login.module.js';
import { LoginRateLimitsModule } from '../rate-limits/login-rate-limits.module.js';
import { ReauthenticationModule } from '../reauthentication/reauthentication.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { IdentitiesController } from './identities.controller.js';
import { Identities } from './identities.js';
import { Identity } from './identity.entity.js';
import { ProviderGrants } from './provider-grants.js';
import { ProviderUnlink } from './provider-unlink.js';
import { PROVIDER_DEFINITIONS, PROVIDERS, Providers } from './providers.js';
import { SocialAccounts } from './social-accounts.js';
import { SocialController } from './social.controller.js';
import { TransactionCookies } from './transaction-cookies.js';
import { UnlinkNoticesController } from './unlink-notices.controller.js';

/** Login with a provider, and the identities that are linked to accounts. */
@Module({
  imports: [
    AccountMailsModule,
    AccountsModule,
    CryptoModule,
    LocalModule,
    LoginModule,
    LoginRateLimitsModule,
    MetricsModule,
    OutboxModule,
    ReauthenticationModule,
    SessionsModule,
    TypeOrmModule.forFeature([Identity]),
  ],
  controllers: [IdentitiesController, UnlinkNoticesController, SocialController],
  providers: [
    Identities,
    ProviderGrants,
    ProviderUnlink,
    Providers,
    SocialAccounts,
    { provide: PROVIDER_DEFINITIONS, useValue: PROVIDERS },
    TransactionCookies,
  ],
  exports: [Identities, ProviderGrants],
})
export class SocialModule {}
