import { Body, Controller, Ip, Post, UseGuards } from '@nestjs/common';
import { Public } from '../../access/access.decorators.js';
import { CurrentActor, type Actor } from '../../access/actor.js';
import { CsrfGuard } from '../../http/csrf.guard.js';
import { ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { RateLimited } from '../../rate-limits/rate-limited.js';
import { Passwords } from './passwords.js';
import {
  addressOnly,
  passwordChange,
  passwordReset,
  type AddressOnly,
  type PasswordChange,
  type PasswordReset,
} from './schemas.js';

/** Reset and change of passwords. */
@ApiTags('Local login')
@Controller('auth')
export class PasswordsController {
  constructor(private readonly passwords: Passwords) {}

  @Post('forgot-password')
  @RateLimited('ask for a mail')
  @Public()
  @ApiOperation({
    summary: 'Ask for a new password',
    description: 'The answer is the same for every address; only one that has an account gets a mail.',
  })
  @Returns(202, undefined, 'If the address has an account, a mail is on its way')
  @ApiProblems('validation_failed')
  async forgot(@Body({ schema: addressOnly }) { email }: AddressOnly, @Ip() address: string): Promise<void> {
    await this.passwords.requestReset(email, address);
  }

  @Post('reset-password')
  @RateLimited('use a mailed token')
  @Public()
  @UseGuards(CsrfGuard)
  @ApiOperation({
    summary: 'Choose a new password with the link in the mail',
    description: 'Takes the token of the link, once, and ends every session of the account.',
  })
  @Returns(204, undefined, 'The password is another one; log in with it')
  @ApiProblems('validation_failed', 'token_invalid', 'origin_not_allowed', 'temporarily_unavailable')
  async reset(
    @Body({ schema: passwordReset }) { token, password }: PasswordReset,
    @Ip() address: string,
  ): Promise<void> {
    await this.passwords.reset(token, password, address);
  }

  @Post('change-password')
  @ApiOperation({
    summary: 'Change your password',
    description: 'Ends every other session. Accounts without a password set one through forgot-password.',
  })
  @Returns(204, undefined, 'The password is another one')
  @ApiProblems('validation_failed', 'credentials_invalid', 'too_many_attempts', 'temporarily_unavailable')
  async change(
    @CurrentActor() actor: Actor,
    @Body({ schema: passwordChange })
    { currentPassword, newPassword: next }: PasswordChange,
    @Ip() address: string,
  ): Promise<void> {
    await this.passwords.change(actor, currentPassword, next, address);
  }
}
