import type { IncomingMessage, ServerResponse } from 'node:http';
import { handleConsent } from './authorize.js';
import { handleControl } from './control.js';
import { Faults } from './faults/faults.js';
import { sendFault } from './faults/send.js';
import { googleAuthorize } from './google/authorize.js';
import { googleEndpoints } from './google/endpoints.js';
import { type Call, jsonReply, pageReply, readCall, type Reply, sendReply, UnreadableCall } from './http.js';
import { Journal } from './journal.js';
import { kakaoAuthorize } from './kakao/authorize.js';
import { kakaoEndpoints } from './kakao/endpoints.js';
import type { Mailbox } from './mail/mailbox.js';
import { naverAuthorize, naverOidcAuthorize } from './naver/authorize.js';
import { naverEndpoints } from './naver/endpoints.js';
import { CONSENT_PATH } from './pages/consent-page.js';
import { indexPage } from './pages/index-page.js';
import { STYLE_PATH } from './pages/layout.js';
import { mailboxPage } from './pages/mailbox-page.js';
import { STYLE } from './pages/style.js';
import type { Endpoint, SandboxContext } from './context.js';

const AUTHORIZE_DIALECTS = [googleAuthorize, kakaoAuthorize, naverAuthorize, naverOidcAuthorize];

/** Router of all HTTP requests to the sandbox. */
export class Router {
  readonly journal = new Journal();
  readonly faults: Faults;
  readonly #endpoints: readonly Endpoint[];

  constructor(
    private readonly options: {
      context: SandboxContext;
      mailbox: Mailbox;
      smtpUrl: string;
      providers: boolean;
    },
  ) {
    const { context, providers } = options;
    this.#endpoints = providers
      ? [...googleEndpoints(context), ...kakaoEndpoints(context), ...naverEndpoints(context)]
      : [];
    this.faults = new Faults(this.#endpoints);
  }

  /** Handles a request. Never rejects. */
  async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    try {
      if (!isLocalHost(request.headers.host)) throw new UnreadableCall(403, 'Use 127.0.0.1 or localhost.');
      const call = await readCall(request);
      const endpoint = this.#endpoints.find(({ path }) => path === call.path);
      if (endpoint !== undefined) await this.#runEndpoint(endpoint, call, response);
      else sendReply(this.#handleOwn(call), response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else if (error instanceof UnreadableCall)
        sendReply(jsonReply(error.status, { error: error.message }), response);
      else sendReply(jsonReply(500, { error: 'The sandbox failed.', message: String(error) }), response);
    }
  }

  async #runEndpoint(endpoint: Endpoint, call: Call, response: ServerResponse): Promise<void> {
    this.journal.record(endpoint, call);
    const work = async (): Promise<Reply> =>
      endpoint.methods.some((method) => method === call.method)
        ? endpoint.handle(call)
        : jsonReply(405, { error: 'invalid_request' }, { allow: endpoint.methods.join(', ') });
    const active = this.faults.take(endpoint);
    if (active === undefined) sendReply(await work(), response);
    else await sendFault(active.fault, active.delayMs, work, response);
  }

  #handleOwn(call: Call): Reply {
    const { context, mailbox, smtpUrl, providers } = this.options;
    if (providers) {
      const controlled = handleControl(this.faults, this.journal, call);
      if (controlled !== undefined) return controlled;
      if (call.method === 'POST' && call.path === CONSENT_PATH)
        return handleConsent(context, AUTHORIZE_DIALECTS, call);
    }
    const to = call.query.get('to') ?? undefined;
    switch (`${call.method} ${call.path}`) {
      case 'GET /':
        return pageReply(200, indexPage(providers, smtpUrl));
      case 'GET /mailbox':
        return pageReply(200, mailboxPage(mailbox.list(to), to));
      case 'GET /mailbox.json':
        return jsonReply(200, mailbox.list(to));
      case `GET ${STYLE_PATH}`:
        return { status: 200, headers: { 'content-type': 'text/css; charset=utf-8' }, body: STYLE };
      default:
        return jsonReply(404, { error: 'The sandbox has nothing here.' });
    }
  }
}

/** Returns true for a local `Host`. Other hosts are refused because of DNS rebinding. */
function isLocalHost(host: string | undefined): boolean {
  return /^(127(\.\d{1,3}){3}|\[::1\]|localhost)(:\d+)?$/i.test(host ?? '');
}
