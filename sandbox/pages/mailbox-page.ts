import type { Mail } from '../mail/mailbox.js';
import { html, type Html } from './html.js';
import { layout } from './layout.js';

const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

/** Mailbox page: messages as text with links, newest first. */
export function mailboxPage(mails: readonly Mail[], to: string | undefined): Html {
  return layout(
    '메일함 · Mailbox (sandbox)',
    'house',
    html`<main class="wide">
      <header>
        <h1>메일함 <span lang="en">Mailbox</span></h1>
        <nav>
          <a href="/mailbox">전체 <span lang="en">All</span></a>
          <a href="/">Sandbox</a>
        </nav>
      </header>
      <p class="quiet">
        이 메일들은 아무에게도 배달되지 않았습니다.
        <span lang="en">These messages were not delivered.</span>
        ${to === undefined ? undefined : html`<br />받는 사람 <span lang="en">To</span>: <code>${to}</code>`}
      </p>
      ${
        mails.length === 0
          ? html`<p class="empty">메일이 없습니다. <span lang="en">No mail yet.</span></p>`
          : mails.map(mailArticle)
      }
    </main>`,
  );
}

function mailArticle(mail: Mail): Html {
  return html`<article>
    <h2>${mail.subject === '' ? '(제목 없음)' : mail.subject}</h2>
    <p class="quiet">
      <a href="/mailbox?to=${encodeURIComponent(mail.to)}">${mail.to}</a> ← ${mail.from} ·
      <time datetime="${mail.receivedAt}">${mail.receivedAt.slice(0, 19).replace('T', ' ')} UTC</time>
    </p>
    <div class="text">${linkify(mail.text)}</div>
  </article>`;
}

/** Turns URLs in plain text into links. The template escapes the text between them. */
function linkify(text: string): Html[] {
  const parts: Html[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(html`${text.slice(end, match.index)}<a href="${match[0]}" rel="noreferrer">${match[0]}</a>`);
    end = match.index + match[0].length;
  }
  return [...parts, html`${text.slice(end)}`];
}
