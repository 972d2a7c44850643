import { Injectable } from '@nestjs/common';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../config.js';

/**
 * The refresh cookie; nothing else knows its name and attributes. The `__Host-` prefix (RFC 6265bis §4.1.3) keeps it to
 * this very host. Plain http, which only development has, allows neither prefix nor Secure.
 */
@Injectable()
export class RefreshCookie {
  private readonly name: string;
  private readonly attributes: CookieSerializeOptions;
  private readonly maxAge: number;

  constructor({ cookie, sessionMax }: Config) {
    this.name = cookie.secure ? '__Host-refresh' : 'refresh';
    this.attributes = { httpOnly: true, secure: cookie.secure, sameSite: cookie.sameSite, path: '/' };
    this.maxAge = sessionMax;
  }

  read(request: Pick<FastifyRequest, 'cookies'>): string | undefined {
    return request.cookies[this.name];
  }

  set(reply: FastifyReply, refreshToken: string): void {
    void reply.setCookie(this.name, refreshToken, { ...this.attributes, maxAge: this.maxAge });
  }

  clear(reply: FastifyReply): void {
    void reply.clearCookie(this.name, this.attributes);
  }
}
