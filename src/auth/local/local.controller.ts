import { Body, Controller, Ip, Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public } from '../../access/access.decorators.js';
import { ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { Problem } from '../../problems/problem.js';
import { Account } from '../accounts/account.entity.js';
import { Login, type LoginProof } from '../login/login.js';
import { LoginRateLimited } from '../rate-limits/limited.js';
import { CsrfGuard } from '../../http/csrf.guard.js';
import { tokenResponse, TokenResponses, type TokenResponse } from '../sessions/token-response.js';
import { addressOnly, credentials, mailedToken, registration, type Registration } from './credentials.js';
import { LocalGuard, ProvenAccount } from './local.guard.js';
import { Registrations } from './registration.js';

const emailVerification = z.strictObject({ token: mailedToken }).meta({ id: 'EmailVerification' });

/** Login with an address and a password, registration, and verification of the address. */
@ApiTags('Local log-in')
@Controller('auth')
@Public()
export class LocalController {
  constructor(
    private readonly registrations: Registrations,
    private readonly logins: Login,
    private readonly responses: TokenResponses,
  ) {}

  @Post('register')
  @LoginRateLimited('register')
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
  @LoginRateLimited('use a mailed token')
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
    @Body({ schema: emailVerification }) { token }: z.output<typeof emailVerification>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    return this.enter(await this.registrations.verify(token), 'mailed_link', reply);
  }

  @Post('verify-email/resend')
  @LoginRateLimited('ask for a mail')
  @ApiOperation({
    summary: 'Send the link again',
    description:
      'The answer is the same for every address; only one that waits for verification gets a mail.',
  })
  @Returns(202, undefined, 'If the address waits for verification, a mail is on its way')
  @ApiProblems('validation_failed')
  async resend(
    @Body({ schema: addressOnly }) { email }: z.output<typeof addressOnly>,
    @Ip() address: string,
  ): Promise<void> {
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
    // Read by the guard; declared here for OpenAPI.
    @Body({ schema: credentials }) _credentials: z.output<typeof credentials>,
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

/**
 * Proof by the password hash that was compared, or that a mailed link has just set. It is null where the link sets no
 * password.
 */
function localProof({ passwordHash }: Account, method: string): LoginProof {
  return {
    method,
    holds: (_, account) => account.passwordHash === passwordHash,
    outdated: (reason) => new Problem('credentials_invalid', { reason }),
  };
}
