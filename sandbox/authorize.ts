import { type Call, pageReply, redirectReply, repeatedParameter, type Reply } from './http.js';
import type { AuthorizeRequest, DialectId } from './grants.js';
import { consentPage, type ProviderLook, refusalPage } from './pages/consent-page.js';
import type { ProviderName } from './accounts.js';
import { findPersona, listPersonas, type Persona } from './personas.js';
import { hasS256Challenge } from './pkce.js';
import type { SandboxContext } from './context.js';

/** Why an authorize request ends on the provider's own page, from which the browser never comes back. */
export type AuthorizeRefusal =
  'unknown_client' | 'redirect_uri' | 'response_type' | 'scope' | 'state' | 'pkce' | 'repeated';

/** What the provider's own error page says. */
interface Refusal {
  status: number;
  code: string;
  detail: string;
}

/** One provider's words for what happens at its authorization endpoint. */
export interface AuthorizeDialect {
  provider: ProviderName;
  id: DialectId;
  look: ProviderLook;
  /** With `undocumented`, a challenge is optional but kept to once it is sent. */
  pkce: 'required' | 'undocumented';
  /** The scopes asked for, or undefined when one of them is not this application's to ask. */
  readScope: (query: URLSearchParams) => string[] | undefined;
  /** The answer to a request that must not show a page, such as `prompt=none`; nobody is ever signed in here. */
  withoutPage: (query: URLSearchParams) => Record<string, string> | undefined;
  refusals: Record<AuthorizeRefusal, Refusal>;
  /** The page for browsers that are embedded in apps, where the provider refuses those. */
  embeddedBrowser?: Refusal;
  cancelled: Record<string, string>;
  /** The callback's parameters, in this provider's order. */
  granted: (request: AuthorizeRequest, persona: Persona, code: string) => Record<string, string>;
  newCode: () => string;
  /** Providers differ in how they write a space in the callback's query. */
  space: '+' | '%20';
}

/** Answers an authorize request with the consent page, the provider's error page, or an error redirect. */
export function askConsent(
  world: SandboxContext,
  dialect: AuthorizeDialect,
  { query, headers }: Call,
): Reply {
  if (dialect.embeddedBrowser !== undefined && isEmbedded(headers['user-agent'])) {
    const { status, code, detail } = dialect.embeddedBrowser;
    return pageReply(status, refusalPage(dialect.look, code, detail));
  }
  const scope = dialect.readScope(query);
  const refusal = findRefusal(world, dialect, query, scope);
  if (refusal !== undefined || scope === undefined) {
    const words = dialect.refusals[refusal ?? 'scope'];
    return pageReply(words.status, refusalPage(dialect.look, words.code, words.detail));
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
  const unseen = dialect.withoutPage(query);
  if (unseen !== undefined) return sendBack(dialect, request, { ...unseen, state: request.state });
  const handle = world.grants.askConsent(request);
  return pageReply(200, consentPage(dialect.look, request, handle, listPersonas(dialect.provider)));
}

/** Whether a browser is embedded in an app, as far as its `User-Agent` says so. */
function isEmbedded(userAgent = ''): boolean {
  return /; wv\)|KAKAOTALK|NAVER\(inapp|Instagram|FBA[NV]\/|\bLine\/\d/.test(userAgent);
}

function findRefusal(
  world: SandboxContext,
  dialect: AuthorizeDialect,
  query: URLSearchParams,
  scope: string[] | undefined,
): AuthorizeRefusal | undefined {
  if (repeatedParameter(query) !== undefined) return 'repeated';
  if (query.get('client_id') !== world.clientId) return 'unknown_client';
  if (!isRegisteredRedirect(dialect.provider, query.get('redirect_uri') ?? '')) return 'redirect_uri';
  if (query.get('response_type') !== 'code') return 'response_type';
  if ((query.get('state') ?? '') === '') return 'state';
  if (scope === undefined) return 'scope';
  const challengeSent = query.has('code_challenge') || query.has('code_challenge_method');
  if ((dialect.pkce === 'required' || challengeSent) && !hasS256Challenge(query)) return 'pkce';
  return undefined;
}

/** The sandbox cannot know the application's port, so every http(s) callback of the right path counts as registered. */
function isRegisteredRedirect(provider: ProviderName, redirectUri: string): boolean {
  if (!URL.canParse(redirectUri)) return false;
  const url = new URL(redirectUri);
  const isPlain = url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  return /^https?:$/.test(url.protocol) && isPlain && url.pathname.endsWith(`/auth/${provider}/callback`);
}

/** Answers the consent form: back to the application with a code, or with the provider's way of saying "cancelled". */
export function answerConsent(
  world: SandboxContext,
  dialects: readonly AuthorizeDialect[],
  { form }: Call,
): Reply {
  const request = world.grants.takeConsent(form.get('consent') ?? '');
  const dialect = dialects.find(({ id }) => id === request?.dialect);
  const choice = form.get('persona') ?? '';
  if (request === undefined || dialect === undefined) {
    return {
      status: 400,
      headers: { 'content-type': 'text/plain' },
      body: 'This consent page was used or is too old.',
    };
  }
  if (choice === 'cancel') return sendBack(dialect, request, { ...dialect.cancelled, state: request.state });
  const persona = findPersona(request.provider, choice);
  if (persona === undefined) {
    return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'There is no such persona.' };
  }
  const code = dialect.newCode();
  world.grants.issueCode(code, request, persona.id);
  return sendBack(dialect, request, dialect.granted(request, persona, code));
}

function sendBack(
  dialect: AuthorizeDialect,
  request: AuthorizeRequest,
  parameters: Record<string, string>,
): Reply {
  const query = new URLSearchParams(parameters).toString();
  // A literal plus is `%2B` by now, so that every `+` left is a space.
  return redirectReply(`${request.redirectUri}?${query.replaceAll('+', dialect.space)}`);
}
