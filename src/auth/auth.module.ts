import { Module } from '@nestjs/common';
import { CryptoModule } from '../crypto/crypto.module.js';
import { OutboxModule } from '../outbox/outbox.module.js';
import { AccountMailsModule } from './account-mails/account-mails.module.js';
import { AccountsModule } from './accounts/accounts.module.js';
import { AuditModule } from './audit/audit.module.js';
import { AuthRetention } from './auth-retention.js';
import { KeysModule } from './keys/keys.module.js';
import { LocalModule } from './local/local.module.js';
import { SelfServiceModule } from './self-service/self-service.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { SocialModule } from './social/social.module.js';

/** AuthService: accounts, logins and sessions. */
@Module({
  imports: [
    KeysModule,
    SessionsModule,
    LocalModule,
    SelfServiceModule,
    SocialModule,
    // For AuthRetention.
    AccountMailsModule,
    AccountsModule,
    AuditModule,
    CryptoModule,
    OutboxModule,
  ],
  providers: [AuthRetention],
})
export class AuthModule {}
