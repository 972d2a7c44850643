import { Injectable } from '@nestjs/common';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import { RefreshTokens } from './refresh-token.js';

/** Name on https. */
const NAME = '__Host-Http-refresh';
/**
 * Name on https until November 2026. It is read so that an upgrade does not end sessions. The constant and its uses can be
 * removed `SESSION_MAX_DAYS` after the upgrade of the last installation.
 */
const FORMER_NAME = '__Host-refresh';

/**
 * Refresh cookie, with its name and attributes. The prefix `__Host-Http-` (RFC 6265bis) binds it to this host, and keeps
 * scripts from reading or setting it. Browsers that do not know this prefix apply `__Host-`. Plain http, which is for
 * development only, allows neither a prefix nor Secure.
 */
@Injectable()
export class RefreshCookie {
  private readonly name: string;
  private readonly formerName: string | undefined;
  private readonly attributes: CookieSerializeOptions;
  private readonly maxAgeS: number;

  constructor(
    { cookie, sessionMaxS }: Config,
    private readonly tokens: RefreshTokens,
  ) {
    this.name = cookie.secure ? NAME : 'refresh';
    this.formerName = cookie.secure ? FORMER_NAME : undefined;
    this.attributes = { httpOnly: true, secure: cookie.secure, sameSite: cookie.sameSite, path: '/' };
    this.maxAgeS = sessionMaxS;
  }

  /** Returns the tokens with a valid MAC, that of the current name first: a browser may have a cookie under each name. */
  read({ cookies }: Pick<FastifyRequest, 'cookies'>): string[] {
    return [this.name, this.formerName]
      .flatMap((name) => (name && cookies[name]) ?? [])
      .filter((token) => this.tokens.parse(token) !== undefined);
  }

  set(reply: FastifyReply, refreshToken: string): void {
    void reply.setCookie(this.name, refreshToken, { ...this.attributes, maxAge: this.maxAgeS });
    this.clearFormer(reply);
  }

  clear(reply: FastifyReply): void {
    void reply.clearCookie(this.name, this.attributes);
    this.clearFormer(reply);
  }

  private clearFormer(reply: FastifyReply): void {
    if (this.formerName !== undefined && reply.request.cookies[this.formerName] !== undefined)
      void reply.clearCookie(this.formerName, this.attributes);
  }
}
