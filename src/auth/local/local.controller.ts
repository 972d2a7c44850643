import { Body, Controller, Ip, Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public } from '../../access/access.decorators.js';
import { ApiOperation, ApiTags } from '../../openapi-decorators.js';
import { Answers, Fails } from '../../openapi.js';
import { Account } from '../account.entity.js';
import { LogIn } from '../log-in.js';
import { Limited } from '../limits/limited.js';
import { OwnPagesGuard } from '../own-pages.guard.js';
import { tokenAnswer, TokenAnswers, type TokenAnswer } from '../token-answer.js';
import { addressOnly, credentials, mailedToken, registration, type Registration } from './credentials.js';
import { LocalGuard, ProvenAccount } from './local.guard.js';
import { Registrations } from './registration.js';

const emailVerification = z.strictObject({ token: mailedToken }).meta({ id: 'EmailVerification' });

/** Logging in with an address and a password, and what leads there. */
@ApiTags('Local log-in')
@Controller('auth')
@Public()
export class LocalController {
  constructor(
    private readonly registrations: Registrations,
    private readonly logIn: LogIn,
    private readonly answers: TokenAnswers,
  ) {}

  @Post('register')
  @Limited('register')
  @ApiOperation({
    summary: 'Register an address',
    description: 'The answer is the same for every address; what comes next is in a mail to it.',
  })
  @Answers(202, undefined, 'A mail is on its way')
  @Fails('validation_failed', 'temporarily_unavailable')
  async register(@Body({ schema: registration }) body: Registration, @Ip() address: string): Promise<void> {
    await this.registrations.register(body, address);
  }

  @Post('verify-email')
  @Limited('use a mailed token')
  @UseGuards(OwnPagesGuard)
  @ApiOperation({
    summary: 'Verify an address',
    description: 'Takes the token of the link in the mail, once, and logs in.',
  })
  @Answers(200, tokenAnswer, 'Verified and logged in; the refresh token is in the cookie')
  @Fails(
    'validation_failed',
    'token_invalid',
    'credentials_invalid',
    'account_disabled',
    'origin_not_allowed',
    'temporarily_unavailable',
  )
  async verifyEmail(
    @Body({ schema: emailVerification }) { token }: z.output<typeof emailVerification>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenAnswer> {
    return this.enter(await this.registrations.verify(token), reply);
  }

  @Post('verify-email/resend')
  @Limited('ask for a mail')
  @ApiOperation({
    summary: 'Send the link again',
    description:
      'The answer is the same for every address; only one that waits for verification gets a mail.',
  })
  @Answers(202, undefined, 'If the address waits for verification, a mail is on its way')
  @Fails('validation_failed')
  async resend(
    @Body({ schema: addressOnly }) { email }: z.output<typeof addressOnly>,
    @Ip() address: string,
  ): Promise<void> {
    await this.registrations.resend(email, address);
  }

  @Post('login')
  @UseGuards(OwnPagesGuard, LocalGuard)
  @ApiOperation({
    summary: 'Log in with a password',
    description: 'An unknown address and a wrong password look the same, in the answer and in its time.',
  })
  @Answers(200, tokenAnswer, 'Logged in; the refresh token is in the cookie')
  @Fails(
    'validation_failed',
    'credentials_invalid',
    'too_many_attempts',
    'email_not_verified',
    'account_disabled',
    'origin_not_allowed',
    'temporarily_unavailable',
  )
  async login(
    // The guard has read it already; named here for OpenAPI.
    @Body({ schema: credentials }) _credentials: z.output<typeof credentials>,
    @ProvenAccount() account: Account,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenAnswer> {
    return this.enter(account, reply);
  }

  private async enter(account: Account, reply: FastifyReply): Promise<TokenAnswer> {
    const proof = { method: 'password', passwordHash: account.passwordHash } as const;
    return this.answers.give(reply, await this.logIn.complete(account, proof, reply));
  }
}
