import { Body, Controller, Ip, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { Public } from '../../access/access.decorators.js';
import { CurrentActor, type Actor } from '../../access/actor.js';
import { ApiOperation, ApiTags } from '../../openapi-decorators.js';
import { Answers, Fails } from '../../openapi.js';
import { presentedPassword } from '../../text/password.js';
import { Limited } from '../limits/limited.js';
import { OwnPagesGuard } from '../own-pages.guard.js';
import { addressOnly, mailedToken, newPassword } from './credentials.js';
import { Passwords } from './passwords.js';

const passwordReset = z
  .strictObject({ token: mailedToken, password: newPassword })
  .meta({ id: 'PasswordReset' });
const passwordChange = z
  .strictObject({ currentPassword: presentedPassword, newPassword })
  .meta({ id: 'PasswordChange' });

/** Passwords that are forgotten, and those that are replaced. */
@ApiTags('Local log-in')
@Controller('auth')
export class PasswordsController {
  constructor(private readonly passwords: Passwords) {}

  @Post('forgot-password')
  @Limited('ask for a mail')
  @Public()
  @ApiOperation({
    summary: 'Ask for a new password',
    description: 'The answer is the same for every address; only one that has an account gets a mail.',
  })
  @Answers(202, undefined, 'If the address has an account, a mail is on its way')
  @Fails('validation_failed')
  async forgot(
    @Body({ schema: addressOnly }) { email }: z.output<typeof addressOnly>,
    @Ip() address: string,
  ): Promise<void> {
    await this.passwords.forget(email, address);
  }

  @Post('reset-password')
  @Limited('use a mailed token')
  @Public()
  @UseGuards(OwnPagesGuard)
  @ApiOperation({
    summary: 'Choose a new password with the link in the mail',
    description: 'Takes the token of the link, once, and ends every session of the account.',
  })
  @Answers(204, undefined, 'The password is another one; log in with it')
  @Fails('validation_failed', 'token_invalid', 'origin_not_allowed', 'temporarily_unavailable')
  async reset(
    @Body({ schema: passwordReset }) { token, password }: z.output<typeof passwordReset>,
    @Ip() address: string,
  ): Promise<void> {
    await this.passwords.reset(token, password, address);
  }

  @Post('change-password')
  @ApiOperation({
    summary: 'Change your password',
    description: 'Ends every other session. Accounts without a password set one through forgot-password.',
  })
  @Answers(204, undefined, 'The password is another one')
  @Fails('validation_failed', 'credentials_invalid', 'too_many_attempts', 'temporarily_unavailable')
  async change(
    @CurrentActor() actor: Actor,
    @Body({ schema: passwordChange })
    { currentPassword, newPassword: next }: z.output<typeof passwordChange>,
    @Ip() address: string,
  ): Promise<void> {
    await this.passwords.change(actor, currentPassword, next, address);
  }
}
