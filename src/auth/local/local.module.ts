import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { OutboxModule } from '../../outbox/outbox.module.js';
import { RateLimitsModule } from '../../rate-limits/rate-limits.module.js';
import { AccountMailsModule } from '../account-mails/account-mails.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LoginModule } from '../login/login.module.js';
import { LoginRateLimitsModule } from '../rate-limits/login-rate-limits.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { LocalController } from './local.controller.js';
import { LocalGuard } from './local.guard.js';
import { LocalStrategy } from './local.strategy.js';
import { OneTimeToken } from './one-time-token.entity.js';
import { OneTimeTokens } from './one-time-tokens.js';
import { PasswordHashes } from './password-hashes.js';
import { PasswordsController } from './passwords.controller.js';
import { Passwords } from './passwords.js';
import { Registrations } from './registrations.js';

/** Registration and login with an e-mail address and a password. */
@Module({
  imports: [
    AccountMailsModule,
    AccountsModule,
    KeysModule,
    LoginModule,
    LoginRateLimitsModule,
    OutboxModule,
    RateLimitsModule,
    SessionsModule,
    TypeOrmModule.forFeature([OneTimeToken]),
  ],
  controllers: [LocalController, PasswordsController],
  providers: [
    LocalGuard,
    LocalStrategy,
    OneTimeTokens,
    {
      provide: PasswordHashes,
      inject: [DataSource],
      useFactory: (dataSource: DataSource) => PasswordHashes.of(dataSource),
    },
    Passwords,
    Registrations,
  ],
  exports: [OneTimeTokens, PasswordHashes],
})
export class LocalModule {}
