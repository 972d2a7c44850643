import { type Call, pageReply, redirectReply, repeatedParameter, type Reply } from './http.js';
import type { AuthorizeRequest, DialectId } from './grants.js';
import { consentPage, type ProviderLook, refusalPage } from './pages/consent-page.js';
import type { ProviderName } from './accounts.js';
import { findPersona, listPersonas, type Persona } from './personas.js';
import { hasS256Challenge } from './pkce.js';
import type { SandboxContext } from './context.js';

/** Reason for an authorize request to end on the provider's error page, without a redirect to the application. */
type AuthorizeRefusal =
  'unknown_client' | 'redirect_uri' | 'response_type' | 'scope' | 'state' | 'pkce' | 'repeated';

/** Content of the provider's error page. */
interface Refusal {
  status: number;
  code: string;
  detail: string;
}

/** Behaviour of a provider's authorization endpoint. */
export interface AuthorizeDialect {
  provider: ProviderName;
  id: DialectId;
  look: ProviderLook;
  /** `undocumented`: a challenge is optional, and verified if it was sent. */
  pkce: 'required' | 'undocumented';
  /** Returns the requested scopes, or undefined if the application may not request one of them. */
  readScope: (query: URLSearchParams) => string[] | undefined;
  /** Returns the error for a request without interaction, such as `prompt=none`. The sandbox has no login sessions. */
  withoutPage: (query: URLSearchParams) => Record<string, string> | undefined;
  refusals: Record<AuthorizeRefusal, Refusal>;
  /** Error page for embedded browsers, if the provider refuses them. */
  embeddedBrowser?: Refusal;
  cancelled: Record<string, string>;
  /** Returns the parameters of the callback, in the provider's order. */
  granted: (request: AuthorizeRequest, persona: Persona, code: string) => Record<string, string>;
  newCode: () => string;
  /** Encoding of a space in the query of the callback. */
  space: '+' | '%20';
}

/** Responds to an authorize request with the consent page, the provider's error page, or an error redirect. */
export function askConsent(
  context: SandboxContext,
  dialect: AuthorizeDialect,
  { query, headers }: Call,
): Reply {
  if (dialect.embeddedBrowser !== undefined && isEmbedded(headers['user-agent'])) {
    const { status, code, detail } = dialect.embeddedBrowser;
    return pageReply(status, refusalPage(dialect.look, code, detail));
  }
  const scope = dialect.readScope(query);
  const refusal = findRefusal(context, dialect, query, scope);
  if (refusal !== undefined || scope === undefined) {
    const { status, code, detail } = dialect.refusals[refusal ?? 'scope'];
    return pageReply(status, refusalPage(dialect.look, code, detail));
  }
  const request: AuthorizeRequest = {
    provider: dialect.provider,
    dialect: dialect.id,
    redirectUri: query.get('redirect_uri') ?? '',
    state: query.get('state') ?? '',
    scope,
    challenge: query.get('code_challenge') ?? undefined,
    nonce: query.get('nonce') ?? undefined,
    offline: query.get('access_type') === 'offline',
    prompt: query.get('prompt') ?? undefined,
  };
  const error = dialect.withoutPage(query);
  if (error !== undefined) return sendBack(dialect, request, { ...error, state: request.state });
  const handle = context.grants.askConsent(request);
  return pageReply(200, consentPage(dialect.look, request, handle, listPersonas(dialect.provider)));
}

/** Returns true if the `User-Agent` is that of a browser embedded in an app. */
function isEmbedded(userAgent = ''): boolean {
  return /; wv\)|KAKAOTALK|NAVER\(inapp|Instagram|FBA[NV]\/|\bLine\/\d/.test(userAgent);
}

function findRefusal(
  context: SandboxContext,
  dialect: AuthorizeDialect,
  query: URLSearchParams,
  scope: string[] | undefined,
): AuthorizeRefusal | undefined {
  if (repeatedParameter(query) !== undefined) return 'repeated';
  if (query.get('client_id') !== context.clientId) return 'unknown_client';
  if (!isRegisteredRedirect(dialect.provider, query.get('redirect_uri') ?? '')) return 'redirect_uri';
  if (query.get('response_type') !== 'code') return 'response_type';
  if ((query.get('state') ?? '') === '') return 'state';
  if (scope === undefined) return 'scope';
  const challengeSent = query.has('code_challenge') || query.has('code_challenge_method');
  if ((dialect.pkce === 'required' || challengeSent) && !hasS256Challenge(query)) return 'pkce';
  return undefined;
}

/** Returns true for every http(s) callback with the right path, because the sandbox does not know the application's port. */
function isRegisteredRedirect(provider: ProviderName, redirectUri: string): boolean {
  if (!URL.canParse(redirectUri)) return false;
  const url = new URL(redirectUri);
  const isPlain = url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  return /^https?:$/.test(url.protocol) && isPlain && url.pathname.endsWith(`/auth/${provider}/callback`);
}

/** Responds to the consent form with a redirect to the application: with a code, or with the provider's error for a refusal. */
export function handleConsent(
  context: SandboxContext,
  dialects: readonly AuthorizeDialect[],
  { form }: Call,
): Reply {
  const request = context.grants.takeConsent(form.get('consent') ?? '');
  const dialect = dialects.find(({ id }) => id === request?.dialect);
  const choice = form.get('persona') ?? '';
  if (request === undefined || dialect === undefined) {
    return {
      status: 400,
      headers: { 'content-type': 'text/plain' },
      body: 'This consent page was used or has expired.',
    };
  }
  if (choice === 'cancel') return sendBack(dialect, request, { ...dialect.cancelled, state: request.state });
  const persona = findPersona(request.provider, choice);
  if (persona === undefined) {
    return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'There is no such persona.' };
  }
  const code = dialect.newCode();
  context.grants.issueCode(code, request, persona.id);
  return sendBack(dialect, request, dialect.granted(request, persona, code));
}

function sendBack(
  dialect: AuthorizeDialect,
  request: AuthorizeRequest,
  parameters: Record<string, string>,
): Reply {
  const query = new URLSearchParams(parameters).toString();
  // A literal plus is encoded as `%2B`, so that every remaining `+` is a space.
  return redirectReply(`${request.redirectUri}?${query.replaceAll('+', dialect.space)}`);
}
