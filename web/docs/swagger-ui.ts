import { client, findOutWhoIsHere } from '../session/session.js';
import { takeTokens } from '../watch/seen-token.js';

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

/** Shows the API in `place`, and sends what is tried out there in the name of whoever is logged in. */
export function startSwaggerUi(place: Element): void {
  let isReady = false;
  let token = '';
  /** The token that Swagger UI was given last: only that one is ours to renew, not one that someone pasted. */
  let given = '';

  const ui = SwaggerUIBundle({
    url: '/docs/openapi.json',
    domNode: place,
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    // The document says which schemes there are, so there is nobody to give a token to before it has come.
    onComplete: () => {
      isReady = true;
      authorize();
    },
    requestInterceptor(request: SwaggerRequest) {
      if (given !== '' && request.headers['Authorization'] === `Bearer ${given}`)
        request.userFetch = fetchAsMe;
      return request;
    },
    responseInterceptor(response: { readonly url: string; readonly ok: boolean }) {
      if (response.ok && ENTRANCES.test(new URL(response.url, location.href).pathname))
        void findOutWhoIsHere();
      return response;
    },
  });
  takeTokens((next = '') => {
    token = next;
    authorize();
  });

  function authorize(): void {
    if (!isReady || token === given) return;
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
