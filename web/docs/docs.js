import { readArrival } from '../arrival.js';
import { element, showOnly } from '../dom.js';
import { onSubmit, wordsFor } from '../forms.js';
import { say, translatePage, unsay } from '../language.js';
import { showProviders } from '../providers.js';
import { accessToken, askAsMe, enter, Failure, logOut, onChange, refresh, withToken } from '../session.js';

/** The name of the security scheme in the document. */
const SCHEME = 'accessToken';
/** Calls that change who is logged in, when they are tried out on this page. */
const ENTRANCES = /\/auth\/(login|logout|refresh|verify-email)$/;

/**
 * What we use of Swagger UI.
 * @typedef {{ url: string, headers: Record<string, string>, userFetch?: typeof fetch }} SwaggerRequest
 * @typedef {{ preauthorizeApiKey(scheme: string, token: string): void, authActions: { logout(schemes: string[]): void } }} SwaggerUi
 * @typedef {(options: Record<string, unknown>) => SwaggerUi} SwaggerUiBundle
 */

const state = element('state', HTMLElement);
const message = element('message', HTMLElement);
const parts = ['entry', 'log-out', 'try-again'].map((id) => element(id, HTMLElement));

/** @type {SwaggerUi | undefined} */
let ui;
/** The token that Swagger UI was given last: only that one is ours to renew, not one that someone pasted. */
let given = '';

/** Lets Swagger UI send the token that we hold. */
function authorize() {
  const token = accessToken()?.token ?? '';
  if (ui === undefined || token === given) return;
  if (token === '') ui.authActions.logout([SCHEME]);
  else ui.preauthorizeApiKey(SCHEME, token);
  given = token;
}

/** Lets a request go out with a token that is good, whatever happened to the one it was made with. @param {SwaggerRequest} request */
function keepAuthorized(request) {
  if (given === '' || request.headers['Authorization'] !== `Bearer ${given}`) return request;
  request.userFetch = (url, init) =>
    withToken((token) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${token}`);
      return fetch(url, { ...init, headers });
    });
  return request;
}

/** @param {{ url: string, ok: boolean }} response */
function noticeEntrances(response) {
  if (response.ok && ENTRANCES.test(new URL(response.url, location.href).pathname)) void begin();
  return response;
}

/** @param {unknown} error */
function report(error) {
  say(message, ...wordsFor(error));
}

/** Finds out who is here, and tells them. */
async function begin() {
  try {
    await ((await refresh()) ? showInside() : showEntry());
  } catch (error) {
    showOnly(parts, element('try-again', HTMLElement));
    say(state, 'unreachable_title');
    if (!(error instanceof Failure)) throw error;
  }
}

async function showInside() {
  unsay(message);
  const { nickname } = /** @type {{ nickname: string }} */ (await askAsMe('/users/me'));
  say(state, 'logged_in_as', { nickname });
  showOnly(parts, element('log-out', HTMLElement));
}

async function showEntry() {
  say(state, 'not_logged_in');
  await showProviders(element('providers', HTMLElement));
  showOnly(parts, element('entry', HTMLElement));
}

onSubmit(
  element('login', HTMLFormElement),
  async (credentials) => {
    await enter('/auth/login', credentials);
    await showInside();
  },
  report,
);
element('try-again', HTMLElement).addEventListener('click', begin);
element('log-out', HTMLElement).addEventListener('click', () => logOut().then(showEntry).catch(report));
onChange(authorize);

const { loginError } = readArrival();
translatePage();
if (loginError !== undefined) say(message, loginError);
const swaggerUi = /** @type {{ SwaggerUIBundle: SwaggerUiBundle }} */ (/** @type {unknown} */ (window))
  .SwaggerUIBundle;
const made = swaggerUi({
  url: '/docs/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: keepAuthorized,
  responseInterceptor: noticeEntrances,
  // The document says which schemes there are, so there is nobody to give a token to before it has come.
  onComplete: () => {
    ui = made;
    authorize();
  },
});
await begin();
