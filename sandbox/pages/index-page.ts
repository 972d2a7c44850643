import { PROVIDER_NAMES } from '../accounts.js';
import { listPersonas } from '../personas.js';
import { html, type Html } from './html.js';
import { layout } from './layout.js';
import { GOOGLE_LOOK, KAKAO_LOOK, NAVER_LOOK } from './looks.js';

const LOOKS = { google: GOOGLE_LOOK, kakao: KAKAO_LOOK, naver: NAVER_LOOK };

/** Start page: a description of the sandbox, the personas, and a link to the mailbox. */
export function indexPage(providers: boolean, smtpUrl: string): Html {
  return layout(
    'Sandbox',
    'house',
    html`<main class="wide">
      <header>
        <h1>Sandbox</h1>
        <nav>
          <a href="/mailbox">메일함 <span lang="en">Mailbox</span></a>
        </nav>
      </header>
      <p class="quiet">
        개발과 테스트를 위한 가짜 Google, 카카오, 네이버와 메일 서버입니다.
        <span lang="en">A stand-in Google, Kakao, Naver and mail server for development and tests.</span>
        SMTP: <code>${smtpUrl}</code>
      </p>
      ${providers ? PROVIDER_NAMES.map(personaList) : undefined}
    </main>`,
  );
}

function personaList(provider: (typeof PROVIDER_NAMES)[number]): Html {
  const { name, symbol } = LOOKS[provider];
  return html`<article>
    <h2>
      <span class="chip ${provider}">${symbol}</span>
      ${name.ko} ${name.ko === name.en ? undefined : html`<span lang="en">${name.en}</span>`}
    </h2>
    <table>
      ${listPersonas(provider).map(
        (persona) =>
          html`<tr>
            <th scope="row"><code>${persona.id}</code></th>
            <td>${persona.name.ko} <span lang="en">${persona.name.en}</span></td>
            <td>${persona.about.ko} · <span lang="en">${persona.about.en}</span></td>
          </tr>`,
      )}
      <tr>
        <th scope="row"><code>user-…</code></th>
        <td>누구나 <span lang="en">Anybody</span></td>
        <td>프로그램이 지어낸 사람 · <span lang="en">Invented by a program, e.g. user-4711</span></td>
      </tr>
    </table>
  </article>`;
}
