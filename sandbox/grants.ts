import { randomBytes } from 'node:crypto';
import type { ProviderName } from './accounts.js';

const CONSENT_TTL_MS = 10 * 60_000;
const CODE_TTL_MS = 60_000;
/** Largest number of entries of a kind. The oldest is dropped, so that a long load test does not fill the memory. */
const MAX_ENTRIES = 50_000;

/** Dialect under which a code was issued. Naver has two, and each refuses codes of the other. */
export type DialectId = 'google' | 'kakao' | 'naver' | 'naver-oidc';

/** Validated authorize request. Redirects after consent use this record, never the form. */
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

/** Consent of a persona to an authorize request. */
export interface Grant extends AuthorizeRequest {
  personaId: string;
  /** True if the persona had no connection with the application before. */
  first: boolean;
}

/** Result of presenting a code: its grant the first time, before it expires. */
type Redemption = { is: 'fresh'; grant: Grant } | { is: 'spent' } | { is: 'unknown' };

interface Timed<Value> {
  value: Value;
  expiresAt: number;
}

/** Store of open consent pages, one-time codes, tokens, and connections of personas. */
export class Grants {
  readonly #consents = new Map<string, Timed<AuthorizeRequest>>();
  readonly #codes = new Map<string, Timed<Grant | 'spent'>>();
  readonly #accessTokens = new Map<string, Timed<Grant>>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #connections = new Map<string, number>();

  constructor(private readonly clock: () => number) {}

  /** Stores a request while its consent page is open. Returns the page's one-time handle. */
  askConsent(request: AuthorizeRequest): string {
    const handle = randomBytes(24).toString('base64url');
    keep(this.#consents, handle, { value: request, expiresAt: this.clock() + CONSENT_TTL_MS });
    return handle;
  }

  /** Returns the request of a consent page, once. */
  takeConsent(handle: string): AuthorizeRequest | undefined {
    const entry = this.#consents.get(handle);
    this.#consents.delete(handle);
    return entry !== undefined && entry.expiresAt > this.clock() ? entry.value : undefined;
  }

  /** Connects the persona with the application, and makes `code` redeemable for 60 seconds. */
  issueCode(code: string, request: AuthorizeRequest, personaId: string): void {
    const first = !this.isConnected(request.provider, personaId);
    if (first) keep(this.#connections, `${request.provider}/${personaId}`, this.clock());
    const grant = { ...request, personaId, first };
    keep(this.#codes, code, { value: grant, expiresAt: this.clock() + CODE_TTL_MS });
  }

  /** Redeems a code. The call uses it up, whatever the caller decides next. */
  redeemCode(code: string, dialect: DialectId): Redemption {
    const entry = this.#codes.get(code);
    if (entry === undefined || (entry.value !== 'spent' && entry.value.dialect !== dialect))
      return { is: 'unknown' };
    this.#codes.set(code, { value: 'spent', expiresAt: 0 });
    if (entry.value === 'spent' || entry.expiresAt <= this.clock()) return { is: 'spent' };
    return { is: 'fresh', grant: entry.value };
  }

  /** Makes a pair of tokens valid; the refresh token until the connection ends. */
  issueTokens(grant: Grant, accessToken: string, lifeSeconds: number, refreshToken?: string): void {
    keep(this.#accessTokens, accessToken, { value: grant, expiresAt: this.clock() + lifeSeconds * 1000 });
    if (refreshToken !== undefined) keep(this.#refreshTokens, refreshToken, grant);
  }

  /** Returns the grant of a valid access token of the provider. */
  findByAccessToken(provider: ProviderName, token: string | undefined): Grant | undefined {
    const entry = this.#accessTokens.get(token ?? '');
    return entry?.value.provider === provider && entry.expiresAt > this.clock() ? entry.value : undefined;
  }

  /** Returns the grant of a refresh token of the provider. */
  findByRefreshToken(provider: ProviderName, token: string | undefined): Grant | undefined {
    const grant = this.#refreshTokens.get(token ?? '');
    return grant?.provider === provider ? grant : undefined;
  }

  /** Ends all tokens of a persona at a provider. The connection stays. */
  endTokens(provider: ProviderName, personaId: string): void {
    const isAffected = (grant: Grant): boolean =>
      grant.provider === provider && grant.personaId === personaId;
    for (const [token, entry] of this.#accessTokens)
      if (isAffected(entry.value)) this.#accessTokens.delete(token);
    for (const [token, grant] of this.#refreshTokens)
      if (isAffected(grant)) this.#refreshTokens.delete(token);
  }

  /** Ends the connection and its tokens. */
  disconnect(provider: ProviderName, personaId: string): void {
    this.endTokens(provider, personaId);
    this.#connections.delete(`${provider}/${personaId}`);
  }

  /** Returns true if the persona has a connection with the application. */
  isConnected(provider: ProviderName, personaId: string): boolean {
    return this.#connections.has(`${provider}/${personaId}`);
  }

  /** Returns the time of the connection, in milliseconds since 1970. */
  connectedAt(provider: ProviderName, personaId: string): number {
    return this.#connections.get(`${provider}/${personaId}`) ?? this.clock();
  }

  /** Returns the ids of all connected personas of a provider. */
  connectedPersonas(provider: ProviderName): string[] {
    const prefix = `${provider}/`;
    return [...this.#connections.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value);
  if (map.size <= MAX_ENTRIES) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
