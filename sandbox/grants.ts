import { randomBytes } from 'node:crypto';
import type { ProviderName } from './accounts.js';

const CONSENT_LIFE = 10 * 60_000;
const CODE_LIFE = 60_000;
/** Old entries go first; a long load test must not fill the memory. */
const KEPT = 50_000;

/** Which rules a code was issued under; Naver has two that do not know each other's codes. */
export type DialectId = 'google' | 'kakao' | 'naver' | 'naver-oidc';

/** An authorize request that was checked. Redirects after consent use this record, never the form. */
export interface AuthorizeRequest {
  provider: ProviderName;
  dialect: DialectId;
  redirectUri: string;
  state: string;
  scope: readonly string[];
  challenge: string | undefined;
  nonce: string | undefined;
  /** Google's `access_type=offline`. */
  offline: boolean;
  prompt: string | undefined;
}

/** What somebody allowed on a consent page. */
export interface Grant extends AuthorizeRequest {
  personaId: string;
  /** This person had no connection with the application before. */
  first: boolean;
}

/** A code that was presented: the grant behind it the first time, within its life. */
export type Redemption = { is: 'fresh'; grant: Grant } | { is: 'spent' } | { is: 'unknown' };

interface Timed<Value> {
  value: Value;
  expiresAt: number;
}

/** Everything that was granted: consents asked for, one-use codes, tokens, and who is connected. */
export class Grants {
  readonly #consents = new Map<string, Timed<AuthorizeRequest>>();
  readonly #codes = new Map<string, Timed<Grant | 'spent'>>();
  readonly #accessTokens = new Map<string, Timed<Grant>>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #connections = new Map<string, number>();

  constructor(private readonly clock: () => number) {}

  /** Remembers a request while its consent page is open, and returns the page's one-time handle. */
  askConsent(request: AuthorizeRequest): string {
    const handle = randomBytes(24).toString('base64url');
    keep(this.#consents, handle, { value: request, expiresAt: this.clock() + CONSENT_LIFE });
    return handle;
  }

  /** The request behind a consent page, once. */
  takeConsent(handle: string): AuthorizeRequest | undefined {
    const entry = this.#consents.get(handle);
    this.#consents.delete(handle);
    return entry !== undefined && entry.expiresAt > this.clock() ? entry.value : undefined;
  }

  /** Connects the person with the application and makes `code` redeemable for 60 seconds. */
  issueCode(code: string, request: AuthorizeRequest, personaId: string): void {
    const first = !this.isConnected(request.provider, personaId);
    if (first) keep(this.#connections, `${request.provider}/${personaId}`, this.clock());
    const grant = { ...request, personaId, first };
    keep(this.#codes, code, { value: grant, expiresAt: this.clock() + CODE_LIFE });
  }

  /** Takes a code. Whoever calls this has used it up, whatever they decide next. */
  redeemCode(code: string, dialect: DialectId): Redemption {
    const entry = this.#codes.get(code);
    if (entry === undefined || (entry.value !== 'spent' && entry.value.dialect !== dialect))
      return { is: 'unknown' };
    this.#codes.set(code, { value: 'spent', expiresAt: 0 });
    if (entry.value === 'spent' || entry.expiresAt <= this.clock()) return { is: 'spent' };
    return { is: 'fresh', grant: entry.value };
  }

  /** Makes a pair of tokens valid; the refresh token stays so until the connection ends. */
  issueTokens(grant: Grant, accessToken: string, lifeSeconds: number, refreshToken?: string): void {
    keep(this.#accessTokens, accessToken, { value: grant, expiresAt: this.clock() + lifeSeconds * 1000 });
    if (refreshToken !== undefined) keep(this.#refreshTokens, refreshToken, grant);
  }

  /** The grant behind a living access token of this provider. */
  findByAccessToken(provider: ProviderName, token: string | undefined): Grant | undefined {
    const entry = this.#accessTokens.get(token ?? '');
    return entry?.value.provider === provider && entry.expiresAt > this.clock() ? entry.value : undefined;
  }

  /** The grant behind a refresh token of this provider. */
  findByRefreshToken(provider: ProviderName, token: string | undefined): Grant | undefined {
    const grant = this.#refreshTokens.get(token ?? '');
    return grant?.provider === provider ? grant : undefined;
  }

  /** Ends every token of a person at a provider; the connection stays. */
  endTokens(provider: ProviderName, personaId: string): void {
    const isTheirs = (grant: Grant): boolean => grant.provider === provider && grant.personaId === personaId;
    for (const [token, entry] of this.#accessTokens)
      if (isTheirs(entry.value)) this.#accessTokens.delete(token);
    for (const [token, grant] of this.#refreshTokens) if (isTheirs(grant)) this.#refreshTokens.delete(token);
  }

  /** Ends the connection and every token that came from it. */
  disconnect(provider: ProviderName, personaId: string): void {
    this.endTokens(provider, personaId);
    this.#connections.delete(`${provider}/${personaId}`);
  }

  /** Whether this person has allowed the application before and has not taken it back. */
  isConnected(provider: ProviderName, personaId: string): boolean {
    return this.#connections.has(`${provider}/${personaId}`);
  }

  /** When the connection was made, in milliseconds since 1970. */
  connectedAt(provider: ProviderName, personaId: string): number {
    return this.#connections.get(`${provider}/${personaId}`) ?? this.clock();
  }

  /** The ids of everybody who is connected at a provider. */
  connectedPersonas(provider: ProviderName): string[] {
    const prefix = `${provider}/`;
    return [...this.#connections.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value);
  if (map.size <= KEPT) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
