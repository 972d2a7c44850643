import { Module } from '@nestjs/common';
import { OutboxModule } from '../../outbox/outbox.module.js';
import { AccountMailsModule } from '../account-mails/account-mails.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { LocalModule } from '../local/local.module.js';
import { ReauthenticationModule } from '../reauthentication/reauthentication.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { SocialModule } from '../social/social.module.js';
import { AccountDeletion } from './account-deletion.js';
import { AccountController } from './account.controller.js';

/** A user's own account: its audit events, and its deletion. */
@Module({
  imports: [
    AccountMailsModule,
    AccountsModule,
    AuditModule,
    LocalModule,
    OutboxModule,
    ReauthenticationModule,
    SessionsModule,
    SocialModule,
  ],
  controllers: [AccountController],
  providers: [AccountDeletion],
})
export class SelfServiceModule {}
