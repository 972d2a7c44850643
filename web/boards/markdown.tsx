import { useMemo } from 'react';
import DOMPurify from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';
import { ContentBoundary } from '../frame/boundary.js';
import { useWords } from '../language/language.js';

const marked = new Marked({
  gfm: true,
  // A new line is one, since people do not write as if for a typesetter.
  breaks: true,
  async: false,
  // HTML is shown as it was written.
  renderer: {
    html: ({ text }) => escape(text),
    // As letters, since a post carries no form.
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});
const purify = DOMPurify();

/** What Markdown makes, and nothing with which a post could look or act like the page around it. */
const ALLOWED_TAGS =
  'a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i img li ol p pre strong table tbody td th thead tr ul'.split(
    ' ',
  );
const ALLOWED_ATTR = ['href', 'src', 'alt', 'title', 'start', 'align'];
const ALLOWED_URI_REGEXP = /^(?:https?:|mailto:|\/(?!\/)|#)/i;

purify.addHook('afterSanitizeAttributes', (element) => {
  if (element.tagName === 'A') {
    // Whoever wrote the post vouches for its links, not we.
    element.setAttribute('rel', 'nofollow ugc noopener noreferrer');
  } else if (element.tagName === 'IMG') {
    const alt = element.getAttribute('alt') ?? '';
    element.setAttribute('loading', 'lazy');
    element.setAttribute('alt', alt);
    if (!isPicture(element.getAttribute('src') ?? '')) element.replaceWith(alt);
  } else if (/^H[1-6]$/.test(element.tagName)) {
    // The page has a heading already, and the post's are below it.
    element.setAttribute('role', 'heading');
    element.setAttribute('aria-level', String(Math.min(6, Number(element.tagName[1]) + 1)));
  } else if (element.tagName === 'PRE' || element.tagName === 'TABLE') {
    // So that what is wider than the page can be scrolled with the keyboard.
    element.setAttribute('tabindex', '0');
  }
});

/** Whose cookies a request carries. What a post shows must not ask anything of us in the name of who reads it. */
const OURS = [location.origin, new URL(import.meta.env.VITE_API_URL ?? '', location.href).origin];

/** Whether something is the address of a picture elsewhere; of another there is only what it is called. */
function isPicture(address: string): boolean {
  if (!URL.canParse(address, location.href)) return false;
  const { protocol, origin } = new URL(address, location.href);
  return protocol === 'https:' && !OURS.includes(origin);
}

const ESCAPED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ESCAPED[char] ?? '');
}

/** Nested blocks or emphasis beyond this are made to break the page: browsers lay deep trees out in quadratic time. */
const MAX_DEPTH = 20;
/** Elements that one text may make. */
const MAX_TOKENS = 6_000;

/** Someone's Markdown as HTML that carries no script, style or form; undefined where it is nested too deeply, or too rich. */
export function htmlOf(text: string): string | undefined {
  try {
    const tokens = marked.lexer(text);
    if (!isBounded(tokens)) return undefined;
    return purify.sanitize(marked.parser(tokens), { ALLOWED_TAGS, ALLOWED_ATTR, ALLOWED_URI_REGEXP });
  } catch (error) {
    // The parser itself recurses.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether a tree of tokens is neither deeper nor larger than a page can show. It does not recurse. */
function isBounded(tokens: readonly Token[]): boolean {
  const todo = tokens.map((token) => ({ token, depth: 1 }));
  for (let seen = 0; todo.length > 0; seen++) {
    const { token, depth } = todo.pop()!;
    if (depth > MAX_DEPTH || seen > MAX_TOKENS) return false;
    for (const child of childrenOf(token)) todo.push({ token: child, depth: depth + 1 });
  }
  return true;
}

function childrenOf(token: Token): readonly Token[] {
  const { tokens = [], items = [] } = token as { tokens?: readonly Token[]; items?: readonly Token[] };
  const { header = [], rows = [] } = token as Partial<Tokens.Table>;
  const cells = token.type === 'table' ? [header, ...rows].flat().flatMap((cell) => cell.tokens) : [];
  return [...tokens, ...items, ...cells];
}

/** What someone wrote in Markdown; as it was written where it cannot be shown with its formatting. */
export function Markdown({ text }: { readonly text: string }) {
  const html = useMemo(() => htmlOf(text), [text]);
  if (html === undefined) return <PlainText text={text} />;
  return (
    <ContentBoundary instead={<PlainText text={text} />}>
      <div className="prose" dir="auto" dangerouslySetInnerHTML={{ __html: html }} />
    </ContentBoundary>
  );
}

function PlainText({ text }: { readonly text: string }) {
  const { frame } = useWords();
  return (
    <>
      <p className="hint">{frame.contentBroken}</p>
      <div className="prose plain-text" dir="auto">
        {text}
      </div>
    </>
  );
}
