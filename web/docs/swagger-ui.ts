import { clearWithAccount } from '../state/account-state.js';
import { client, restoreSession } from '../session/session.js';
import { takeTokens } from '../devtools/seen-token.js';

/** The name of the security scheme in the document. */
const SCHEME = 'accessToken';
/** Calls that change who is logged in, when they are tried out on this page. */
const ENTRANCES = /\/auth\/(login|logout|refresh|verify-email)$/;

/** What we use of Swagger UI. */
interface SwaggerUi {
  preauthorizeApiKey(scheme: string, token: string): void;
  readonly authActions: { logout(schemes: readonly string[]): void };
}
interface SwaggerRequest {
  readonly headers: Readonly<Record<string, string>>;
  userFetch?: typeof fetch;
}

/** From Swagger UI's own file, which the HTML names. */
declare const SwaggerUIBundle: (options: Readonly<Record<string, unknown>>) => SwaggerUi;

/**
 * Shows the API in `place`, and sends what is tried out there in the name of whoever is logged in. It begins anew with each
 * account, since it goes on showing the answers that it got.
 */
export function startSwaggerUi(place: Element): void {
  let ui: SwaggerUi | undefined;
  let token = '';
  /** The token that Swagger UI was given last: only that one is ours to renew, not one that someone pasted. */
  let given = '';

  function show(): void {
    const domNode = document.createElement('div');
    place.replaceChildren(domNode);
    ui = undefined;
    given = '';
    const shown = SwaggerUIBundle({
      url: '/docs/openapi.json',
      domNode,
      deepLinking: true,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
      validatorUrl: null,
      // The document says which schemes there are, so there is nobody to give a token to before it has come.
      onComplete: () => {
        if (!domNode.isConnected) return;
        ui = shown;
        authorize();
      },
      requestInterceptor(request: SwaggerRequest) {
        if (given !== '' && request.headers['Authorization'] === `Bearer ${given}`)
          request.userFetch = fetchAsMe;
        return request;
      },
      responseInterceptor(response: { readonly url: string; readonly ok: boolean }) {
        if (response.ok && ENTRANCES.test(new URL(response.url, location.href).pathname))
          void restoreSession();
        return response;
      },
    });
  }
  show();
  clearWithAccount(show);
  takeTokens((next = '') => {
    token = next;
    authorize();
  });

  function authorize(): void {
    if (ui === undefined || token === given) return;
    given = token;
    if (token === '') ui.authActions.logout([SCHEME]);
    else ui.preauthorizeApiKey(SCHEME, token);
  }
}

/** The client adds the token itself, a good one, whatever happened to that which Swagger UI has. */
const fetchAsMe: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.delete('authorization');
  return client.fetch(input, { ...init, headers });
};
