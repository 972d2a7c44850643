import { clearWithAccount } from '../state/account-state.js';
import { client, restoreSession } from '../session/session.js';
import { onToken } from '../devtools/seen-token.js';

/** Name of the security scheme in the OpenAPI document. */
const SCHEME = 'accessToken';
/** Paths that start or end a session, when called from Swagger UI. */
const ENTRANCES = /\/auth\/(login|logout|refresh|verify-email)$/;

/** Members of Swagger UI in use here. */
interface SwaggerUi {
  preauthorizeApiKey(scheme: string, token: string): void;
  readonly authActions: { logout(schemes: readonly string[]): void };
}
interface SwaggerRequest {
  readonly headers: Readonly<Record<string, string>>;
  userFetch?: typeof fetch;
}

/** Global of Swagger UI's own script, which the HTML loads. */
declare const SwaggerUIBundle: (options: Readonly<Record<string, unknown>>) => SwaggerUi;

/**
 * Starts Swagger UI in `container`. Its requests carry the access token of the user. It restarts for each account, since
 * it keeps showing earlier responses.
 */
export function startSwaggerUi(container: Element): void {
  let ui: SwaggerUi | undefined;
  let token = '';
  /** Token that Swagger UI was given last. Only this token is renewed, not one that the user pasted. */
  let given = '';

  function show(): void {
    const domNode = document.createElement('div');
    container.replaceChildren(domNode);
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
      // Swagger UI accepts a token only after it has loaded the document with the security schemes.
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
  onToken((next = '') => {
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

/** A `fetch` with which the client adds a valid access token, whatever token Swagger UI has. */
const fetchAsMe: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.delete('authorization');
  return client.fetch(input, { ...init, headers });
};
