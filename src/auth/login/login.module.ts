import { Module } from '@nestjs/common';
import { OutboxModule } from '../../outbox/outbox.module.js';
import { UsersModule } from '../../users/users.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { Login } from './login.js';

/** The last step of every login. */
@Module({
  imports: [AccountsModule, OutboxModule, SessionsModule, UsersModule],
  providers: [Login],
  exports: [Login],
})
export class LoginModule {}
