import { Module } from '@nestjs/common';
import { MailModule } from '../../mail/mail.module.js';
import { MetricsModule } from '../../observability/metrics.module.js';
import { OutboxModule } from '../../outbox/outbox.module.js';
import { UsersModule } from '../../users/users.module.js';
import { LoginRateLimitsModule } from '../rate-limits/login-rate-limits.module.js';
import { AccountMails } from './account-mails.js';
import { MailBackoff } from './mail-backoff.js';
import { MailThrottle } from './mail-throttle.js';

@Module({
  imports: [LoginRateLimitsModule, MailModule, MetricsModule, OutboxModule, UsersModule],
  providers: [AccountMails, MailBackoff, MailThrottle],
  exports: [AccountMails, MailBackoff],
})
export class AccountMailsModule {}
