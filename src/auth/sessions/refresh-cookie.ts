import { Injectable } from '@nestjs/common';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import { RefreshTokens } from './refresh-token.js';

/** The name on https. */
const NAME = '__Host-Http-refresh';
/**
 * The name on https until November 2026. It is read so that an upgrade logs nobody out; this constant and its uses may go once
 * `SESSION_MAX_DAYS` have passed since the upgrade of the last installation.
 */
const FORMER_NAME = '__Host-refresh';

/**
 * The refresh cookie; nothing else knows its name and attributes. The prefix `__Host-Http-` (RFC 6265bis) keeps it to this very
 * host and from scripts, which cannot set it either; browsers that do not know it honour its part `__Host-`. Plain http, which
 * only development has, allows neither prefix nor Secure.
 */
@Injectable()
export class RefreshCookie {
  private readonly name: string;
  private readonly formerName: string | undefined;
  private readonly attributes: CookieSerializeOptions;
  private readonly maxAge: number;

  constructor(
    { cookie, sessionMax }: Config,
    private readonly tokens: RefreshTokens,
  ) {
    this.name = cookie.secure ? NAME : 'refresh';
    this.formerName = cookie.secure ? FORMER_NAME : undefined;
    this.attributes = { httpOnly: true, secure: cookie.secure, sameSite: cookie.sameSite, path: '/' };
    this.maxAge = sessionMax;
  }

  /** Reads the refresh tokens that are ours, the current name's first: a browser may have a cookie under each name. */
  read({ cookies }: Pick<FastifyRequest, 'cookies'>): string[] {
    return [this.name, this.formerName]
      .flatMap((name) => (name && cookies[name]) ?? [])
      .filter((token) => this.tokens.parse(token) !== undefined);
  }

  set(reply: FastifyReply, refreshToken: string): void {
    void reply.setCookie(this.name, refreshToken, { ...this.attributes, maxAge: this.maxAge });
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
