import { Body, Controller, Ip, Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '../../access/access.decorators.js';
import { CsrfGuard } from '../../http/csrf.guard.js';
import { ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { RateLimited } from '../../rate-limits/rate-limited.js';
import { Account } from '../accounts/account.entity.js';
import { Login } from '../login/login.js';
import { tokenResponse, type TokenResponse } from '../sessions/schemas.js';
import { TokenResponses } from '../sessions/token-responses.js';
import { localProof } from './local-proof.js';
import { LocalGuard, ProvenAccount } from './local.guard.js';
import { Registrations } from './registrations.js';
import {
  addressOnly,
  credentials,
  emailVerification,
  registration,
  type AddressOnly,
  type Credentials,
  type EmailVerification,
  type Registration,
} from './schemas.js';

/** Registration, verification and login with an e-mail address and a password. */
@ApiTags('Local login')
@Controller('auth')
@Public()
export class LocalController {
  constructor(
    private readonly registrations: Registrations,
    private readonly logins: Login,
    private readonly responses: TokenResponses,
  ) {}

  @Post('register')
  @RateLimited('register')
  @ApiOperation({
    summary: 'Register an address',
    description: 'The answer is the same for every address; what comes next is in a mail to it.',
  })
  @Returns(202, undefined, 'A mail is on its way')
  @ApiProblems('validation_failed', 'temporarily_unavailable')
  async register(@Body({ schema: registration }) body: Registration, @Ip() address: string): Promise<void> {
    await this.registrations.register(body, address);
  }

  @Post('verify-email')
  @RateLimited('use a mailed token')
  @UseGuards(CsrfGuard)
  @ApiOperation({
    summary: 'Verify an address',
    description: 'Takes the token of the link in the mail, once, and logs in.',
  })
  @Returns(200, tokenResponse, 'Verified and logged in; the refresh token is in the cookie')
  @ApiProblems(
    'validation_failed',
    'token_invalid',
    'credentials_invalid',
    'account_disabled',
    'origin_not_allowed',
    'temporarily_unavailable',
  )
  async verifyEmail(
    @Body({ schema: emailVerification }) { token }: EmailVerification,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    return this.enter(await this.registrations.verify(token), 'mailed_link', reply);
  }

  @Post('verify-email/resend')
  @RateLimited('ask for a mail')
  @ApiOperation({
    summary: 'Send the link again',
    description:
      'The answer is the same for every address; only one that waits for verification gets a mail.',
  })
  @Returns(202, undefined, 'If the address waits for verification, a mail is on its way')
  @ApiProblems('validation_failed')
  async resend(@Body({ schema: addressOnly }) { email }: AddressOnly, @Ip() address: string): Promise<void> {
    await this.registrations.resend(email, address);
  }

  @Post('login')
  @UseGuards(CsrfGuard, LocalGuard)
  @ApiOperation({
    summary: 'Log in with a password',
    description: 'An unknown address and a wrong password look the same, in the answer and in its time.',
  })
  @Returns(200, tokenResponse, 'Logged in; the refresh token is in the cookie')
  @ApiProblems(
    'validation_failed',
    'credentials_invalid',
    'too_many_attempts',
    'email_not_verified',
    'account_disabled',
    'origin_not_allowed',
    'temporarily_unavailable',
  )
  async login(
    // LocalGuard reads the body; the parameter documents it in OpenAPI.
    @Body({ schema: credentials }) _credentials: Credentials,
    @ProvenAccount() account: Account,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    return this.enter(account, 'password', reply);
  }

  private async enter(
    account: Account,
    method: 'password' | 'mailed_link',
    reply: FastifyReply,
  ): Promise<TokenResponse> {
    const proof = localProof(account, method);
    return this.responses.send(reply, await this.logins.complete(account, proof, reply));
  }
}
