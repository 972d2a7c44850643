import type { AuthorizeRequest } from '../grants.js';
import type { ProviderName } from '../accounts.js';
import type { Persona } from '../personas.js';
import { html, type Html } from './html.js';
import { layout } from './layout.js';

/** Path of the consent form. */
export const CONSENT_PATH = '/consent';

/** Appearance of a provider's pages: its name in both languages, and its symbol. */
export interface ProviderLook {
  provider: ProviderName;
  name: { ko: string; en: string };
  symbol: Html;
}

/** Consent page, with the choice of a persona. Each persona is a submit button, so that no script is needed. */
export function consentPage(
  look: ProviderLook,
  request: AuthorizeRequest,
  handle: string,
  personas: readonly Persona[],
): Html {
  return frame(
    look,
    `${look.name.ko} 로그인 (sandbox)`,
    html`<h1>${look.name.ko} 로그인 <span lang="en">Log in with ${look.name.en}</span></h1>
      <p class="quiet">
        <strong>${new URL(request.redirectUri).host}</strong>에 누구로 로그인할까요?
        <span lang="en">Who do you want to be?</span>
      </p>
      <form method="post" action="${CONSENT_PATH}">
        <input type="hidden" name="consent" value="${handle}" />
        <ul class="personas">
          ${personas.map(
            (persona) =>
              html`<li>
                <button type="submit" name="persona" value="${persona.id}">
                  <span class="initial" aria-hidden="true">${persona.name.ko.slice(0, 1)}</span>
                  <span class="who">
                    <span>${persona.name.ko} <span lang="en">${persona.name.en}</span></span>
                    <small>${persona.about.ko} · <span lang="en">${persona.about.en}</span></small>
                  </span>
                </button>
              </li>`,
          )}
        </ul>
        <button class="cancel" type="submit" name="persona" value="cancel">
          취소 <span lang="en">Cancel</span>
        </button>
      </form>
      ${
        request.scope.length === 0
          ? undefined
          : html`<p class="quiet scope">
              요청한 정보 <span lang="en">Asked for</span>: <code>${request.scope.join(' ')}</code>
            </p>`
      }`,
  );
}

/** Error page of the provider, without a redirect to the application. */
export function refusalPage(look: ProviderLook, code: string, detail: string): Html {
  return frame(
    look,
    `${code} (sandbox)`,
    html`<h1>로그인할 수 없습니다 <span lang="en">Cannot log in</span></h1>
      <p class="code">${code}</p>
      <p>${detail}</p>
      <p class="quiet">
        앱 설정의 문제이므로 ${look.name.ko}도 이 페이지에서 멈춥니다.
        <span lang="en"
          >The application's request is at fault; the real ${look.name.en} stops here as well.</span
        >
      </p>`,
  );
}

function frame(look: ProviderLook, title: string, content: Html): Html {
  return layout(
    title,
    `door ${look.provider}`,
    html`<p class="banner">
        <strong>Sandbox</strong> – not the real ${look.name.en} · 진짜 ${look.name.ko}가 아닙니다
      </p>
      <main class="card">
        <header>${look.symbol}</header>
        <div class="content">${content}</div>
      </main>`,
  );
}
