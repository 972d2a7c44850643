import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { Config } from '../../config/config.js';
import { isEqualInConstantTime } from '../../crypto/constant-time.js';
import { DerivedKeys } from '../../crypto/derived-keys.js';
import { Login } from '../login/login.js';
import { LoginError } from './login-error.js';

/** Long enough to create an account at the provider; what a thief of the cookie has is as short-lived as codes are. */
const LIFETIME_S = 600;
/** One browser's attempts, in tabs that were left open. Together they stay far below the 8 KB that proxies allow a header. */
const MAX_TRANSACTIONS = 5;
const MAX_BYTES = 5_000;
/** Attempts that this process remembers as used; above 33 log-ins a second it forgets them in less than ten minutes. */
const MAX_USED = 20_000;

/** Names the cookie (a UUIDv7, so that names sort by age), and proves that the callback belongs to it (256 bits). */
const STATE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[A-Za-z0-9_-]{43}$/;

const sealed = z.object({
  provider: z.string(),
  state: z.string(),
  verifier: z.string(),
  nonce: z.string().optional(),
  returnTo: z.string(),
  /** Who is logged in, and links rather than logs in. */
  linkTo: z.object({ accountId: z.uuid(), sessionId: z.uuid() }).optional(),
  /** The sessions that the log-in ends: their cookies, SameSite=Strict, do not come with the callback. */
  replaces: z.array(z.uuid()).optional(),
  expiresAt: z.number(),
});

type Sealed = z.output<typeof sealed>;
/** One try to log in, from the button to the callback. */
export type OAuthTransaction = Readonly<Omit<Sealed, 'expiresAt'>>;

/**
 * The cookies that log-in attempts live in, sealed, one each, so that nothing is stored here and two tabs do not collide.
 * Nothing else knows their names and attributes. SameSite=Lax: with Strict, browsers would leave them out when the
 * provider sends people back. None, where the page is on another site: links are begun by a call from there.
 */
@Injectable()
export class TransactionCookies implements OnModuleInit {
  private readonly prefix: string;
  private readonly attributes: CookieSerializeOptions;
  /**
   * A used attempt's cookie is cleared, and the provider takes a code only once. Should somebody keep the cookie and get
   * hold of another code, this process at least knows the attempt as used. Others do not: nothing is stored.
   */
  private readonly used = new LRUCache<string, true>({ max: MAX_USED, ttl: LIFETIME_S * 1000 });

  constructor(
    { cookie }: Config,
    private readonly secrets: DerivedKeys,
    private readonly login: Login,
  ) {
    this.prefix = cookie.secure ? '__Host-attempt-' : 'attempt-';
    this.attributes = {
      httpOnly: true,
      secure: cookie.secure,
      sameSite: cookie.sameSite === 'none' ? 'none' : 'lax',
      path: '/',
    };
  }

  onModuleInit(): void {
    this.login.onLogin((reply, sessionId) => this.updateOthers(reply, sessionId));
  }

  /** A `state` for a new attempt. */
  newState(): string {
    return `${uuidv7()}.${randomBytes(32).toString('base64url')}`;
  }

  /** Gives the attempt to the browser, and takes away its oldest ones when it has too many. */
  async save(request: FastifyRequest, reply: FastifyReply, attempt: OAuthTransaction): Promise<void> {
    const value = await this.setCookie(reply, { ...attempt, expiresAt: Date.now() + LIFETIME_S * 1000 });
    for (const name of this.superfluous(request, value.length)) void reply.clearCookie(name, this.attributes);
  }

  /**
   * Takes the attempt of this `state` from the browser that began it. It is used by that, whatever comes of it.
   * @throws {LoginError} `login_attempt_invalid`.
   */
  async take(request: FastifyRequest, reply: FastifyReply, state: unknown): Promise<OAuthTransaction> {
    if (typeof state !== 'string' || !STATE.test(state)) throw invalid('there is no state, or none of ours');
    const name = this.nameOf(state);
    const value = request.cookies[name];
    if (value === undefined) throw invalid('this browser has no such attempt');
    void reply.clearCookie(name, this.attributes);
    const { expiresAt, ...attempt } = await this.open(value);
    if (!isEqualInConstantTime(attempt.state, state)) throw invalid('the state is not that of the cookie');
    if (expiresAt <= Date.now()) throw invalid('the attempt has expired');
    if (this.used.has(name)) throw invalid('the attempt was used before');
    this.used.set(name, true);
    return attempt;
  }

  /**
   * Seals the id of a session that has just been opened into the browser's other attempts to log in, which end it when they
   * complete. Clears the attempts to link an identity, which an earlier session began.
   */
  private async updateOthers(reply: FastifyReply, sessionId: string): Promise<void> {
    for (const name of this.namesIn(reply.request)) {
      // The attempt that has just logged in.
      if (this.used.has(name)) continue;
      const attempt = await this.open(reply.request.cookies[name]).catch(() => undefined);
      if (attempt?.linkTo !== undefined) void reply.clearCookie(name, this.attributes);
      else if (attempt !== undefined) await this.setCookie(reply, { ...attempt, replaces: [sessionId] });
    }
  }

  /** Opens the value of an attempt's cookie. @throws {LoginError} `login_attempt_invalid`. */
  private async open(value = ''): Promise<Sealed> {
    const content = await this.secrets.open('login-attempt', value);
    if (content === undefined) throw invalid('the cookie is not one that we sealed');
    const parsed = sealed.safeParse(JSON.parse(content));
    if (!parsed.success) throw invalid('the cookie is from another version of us');
    return parsed.data;
  }

  /** Sets the cookie of an attempt; its value. */
  private async setCookie(reply: FastifyReply, content: Sealed): Promise<string> {
    const value = await this.secrets.seal('login-attempt', JSON.stringify(content));
    const maxAge = Math.ceil((content.expiresAt - Date.now()) / 1000);
    void reply.setCookie(this.nameOf(content.state), value, { ...this.attributes, maxAge });
    return value;
  }

  private nameOf(state: string): string {
    return `${this.prefix}${state.slice(0, state.indexOf('.'))}`;
  }

  private namesIn({ cookies }: FastifyRequest): string[] {
    return Object.keys(cookies).filter((name) => name.startsWith(this.prefix));
  }

  private superfluous(request: FastifyRequest, newest: number): string[] {
    let [count, bytes] = [1, newest];
    return this.namesIn(request)
      .toSorted()
      .toReversed()
      .filter((name) => {
        count += 1;
        bytes += name.length + (request.cookies[name]?.length ?? 0);
        return count > MAX_TRANSACTIONS || bytes > MAX_BYTES;
      });
  }
}

function invalid(reason: string): LoginError {
  return new LoginError('login_attempt_invalid', { reason });
}
