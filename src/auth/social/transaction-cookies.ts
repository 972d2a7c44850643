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

/** Lifetime of a transaction: enough to create an account at the provider, and about that of an authorization code. */
const LIFETIME_S = 600;
/** Limits for the transactions of one browser, in several tabs: proxies allow 8 KB for a header. */
const MAX_TRANSACTIONS = 5;
const MAX_BYTES = 5_000;
/** Used transactions in memory. Above 33 logins per second, the oldest are evicted before they expire. */
const MAX_USED = 20_000;

/** `state`: a UUIDv7 that names the cookie, so that names sort by age, and 256 random bits. */
const STATE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[A-Za-z0-9_-]{43}$/;

const sealed = z.object({
  provider: z.string(),
  state: z.string(),
  verifier: z.string(),
  nonce: z.string().optional(),
  returnTo: z.string(),
  /** Set for a transaction that links an identity to the account of a logged-in user. */
  linkTo: z.object({ accountId: z.uuid(), sessionId: z.uuid() }).optional(),
  /** Sessions that the login ends. Their cookies are SameSite=Strict, and so not sent with the callback. */
  replaces: z.array(z.uuid()).optional(),
  expiresAt: z.number(),
});

type Sealed = z.output<typeof sealed>;
/** OAuth transaction: a login or link from the authorization request to the callback. */
export type OAuthTransaction = Readonly<Omit<Sealed, 'expiresAt'>>;

/**
 * Sealed cookies of OAuth transactions. Each transaction has its own cookie, so that two tabs do not collide, and the server stores
 * nothing. SameSite=Lax, because browsers leave Strict cookies out of the redirect from the provider. SameSite=None where the web
 * page is on another site, because it starts links by `fetch`.
 */
@Injectable()
export class TransactionCookies implements OnModuleInit {
  private readonly prefix: string;
  private readonly attributes: CookieSerializeOptions;
  /**
   * Transactions that this process has seen used. Their cookies are cleared, and a provider redeems a code once only. This set also
   * refuses a copy of the cookie with another code, in this process but not in others.
   */
  private readonly used = new LRUCache<string, true>({ max: MAX_USED, ttl: LIFETIME_S * 1000 });

  constructor(
    { cookie }: Config,
    private readonly secrets: DerivedKeys,
    private readonly login: Login,
  ) {
    this.prefix = cookie.secure ? '__Host-oauth-transaction-' : 'oauth-transaction-';
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

  newState(): string {
    return `${uuidv7()}.${randomBytes(32).toString('base64url')}`;
  }

  /** Sets the cookie of a transaction, and clears the oldest ones beyond the limits. */
  async save(request: FastifyRequest, reply: FastifyReply, transaction: OAuthTransaction): Promise<void> {
    const value = await this.setCookie(reply, { ...transaction, expiresAt: Date.now() + LIFETIME_S * 1000 });
    for (const name of this.superfluous(request, value.length)) void reply.clearCookie(name, this.attributes);
  }

  /**
   * Opens the transaction of a `state`, and clears its cookie. From then on it counts as used: a replay is refused.
   * @throws {LoginError} `login_attempt_invalid`.
   */
  async take(request: FastifyRequest, reply: FastifyReply, state: unknown): Promise<OAuthTransaction> {
    if (typeof state !== 'string' || !STATE.test(state)) throw invalid('state is missing or malformed');
    const name = this.nameOf(state);
    const value = request.cookies[name];
    if (value === undefined) throw invalid('this browser has no such transaction');
    void reply.clearCookie(name, this.attributes);
    const { expiresAt, ...transaction } = await this.open(value);
    if (!isEqualInConstantTime(transaction.state, state)) throw invalid('state is not that of the cookie');
    if (expiresAt <= Date.now()) throw invalid('the transaction has expired');
    if (this.used.has(name)) throw invalid('the transaction was used before');
    this.used.set(name, true);
    return transaction;
  }

  /**
   * Updates the other transactions of the browser after a login. Logins get the id of the new session, to end it when they complete.
   * Links are cleared, because an earlier session has started them.
   */
  private async updateOthers(reply: FastifyReply, sessionId: string): Promise<void> {
    for (const name of this.namesIn(reply.request)) {
      // The transaction of this login.
      if (this.used.has(name)) continue;
      const transaction = await this.open(reply.request.cookies[name]).catch(() => undefined);
      if (transaction?.linkTo !== undefined) void reply.clearCookie(name, this.attributes);
      else if (transaction !== undefined)
        await this.setCookie(reply, { ...transaction, replaces: [sessionId] });
    }
  }

  /** Opens the value of a cookie. @throws {LoginError} `login_attempt_invalid`. */
  private async open(value = ''): Promise<Sealed> {
    const content = await this.secrets.open('oauth-transaction', value);
    if (content === undefined) throw invalid('the cookie cannot be opened');
    const parsed = sealed.safeParse(JSON.parse(content));
    if (!parsed.success) throw invalid('the cookie is of another version of the server');
    return parsed.data;
  }

  /** Sets the cookie of a transaction, and returns its value. */
  private async setCookie(reply: FastifyReply, content: Sealed): Promise<string> {
    const value = await this.secrets.seal('oauth-transaction', JSON.stringify(content));
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

  /** Names of the oldest cookies beyond the limits. */
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
