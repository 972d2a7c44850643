import { useMemo } from 'react';
import DOMPurify from 'dompurify';
import { Lexer, Marked, type Token, type Tokens, type TokensList } from 'marked';
import { ContentBoundary } from '../ui/error-boundary.js';
import { mayShowPicture } from '../ui/pictures.js';
import { useWords } from '../i18n/language.js';
import './markdown.css';

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

/** Relation of links in posts, which the author of a post vouches for. */
const UNTRUSTED = 'nofollow ugc noopener noreferrer';

purify.addHook('afterSanitizeAttributes', (element) => {
  if (element.tagName === 'A') {
    element.setAttribute('rel', UNTRUSTED);
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

/** Says what a picture is that is not shown, and where. */
type NamePicture = (alt: string, host: string) => string;

/**
 * Puts links in the place of pictures whose hosts may not see readers. Of a picture at our own origins, or within a link,
 * there is only what it is called.
 */
function replacePictures(content: DocumentFragment, name: NamePicture): void {
  for (const image of content.querySelectorAll('img')) {
    const alt = image.getAttribute('alt') ?? '';
    const address = image.getAttribute('src') ?? '';
    const { host, origin, protocol } = new URL(URL.canParse(address) ? address : '/', location.href);
    if (OURS.includes(origin) || !protocol.startsWith('http')) {
      image.replaceWith(alt);
    } else if (mayShowPicture(address)) {
      image.setAttribute('loading', 'lazy');
      image.setAttribute('alt', alt);
    } else if (image.closest('a') !== null) {
      image.replaceWith(name(alt, host));
    } else {
      const link = document.createElement('a');
      link.href = address;
      link.target = '_blank';
      link.rel = UNTRUSTED;
      link.textContent = name(alt, host);
      image.replaceWith(link);
    }
  }
}

const ESCAPED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ESCAPED[char] ?? '');
}

/** Nested blocks or emphasis beyond this are made to break the page: browsers lay deep trees out in quadratic time. */
const MAX_DEPTH = 20;
/** Elements that one text may make. */
const MAX_TOKENS = 6_000;
/** Cells of tables, counted as if the widest table were as long as the text: the parser fills up short rows. */
const MAX_CELLS = 50_000;
/**
 * Characters that the parser may look at within paragraphs. It looks through the rest of a paragraph at each delimiter, and
 * through the rest of a word at each of its characters.
 */
const MAX_SCAN = 2_000_000;

/** A marker at the beginning of a line that opens a quote or a list. */
const MARKER = /[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$))/y;
/** A thematic break, which may have more markers than that. */
const RULE = /^ {0,3}([-_*])[ \t]*(?:\1[ \t]*){2,}$/;
/** The line of a table below its header. */
const DELIMITER_ROW = /^[ \t>]*[|:-][-|: \t]*$/;

/** Someone's Markdown as HTML that carries no script, style or form; undefined where it is nested too deeply, or too rich. */
export function htmlOf(text: string, namePicture: NamePicture): string | undefined {
  try {
    const tokens = tokensOf(text.replace(/\r\n?/g, '\n'));
    if (tokens === undefined) return undefined;
    // Nothing in a template is loaded.
    const template = document.createElement('template');
    template.innerHTML = purify.sanitize(marked.parser(tokens), {
      ALLOWED_TAGS,
      ALLOWED_ATTR,
      ALLOWED_URI_REGEXP,
    });
    replacePictures(template.content, namePicture);
    return template.innerHTML;
  } catch (error) {
    // The parser itself recurses.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Parses Markdown; undefined where that would take too long, or would make too much. */
function tokensOf(text: string): TokensList | undefined {
  if (!isParsable(text)) return undefined;
  const lexer = new Lexer(marked.defaults);
  lexer.blockTokens(text, lexer.tokens);
  let scanned = 0;
  for (const { src } of lexer.inlineQueue) scanned += scanOf(src);
  if (scanned > MAX_SCAN) return undefined;
  for (const { src, tokens } of lexer.inlineQueue) lexer.inlineTokens(src, tokens);
  return isBounded(lexer.tokens) ? lexer.tokens : undefined;
}

/** True where the blocks of a text can be found in linear time, without a deep recursion. */
function isParsable(text: string): boolean {
  if (/[ \t]{500}/.test(text)) return false;
  const lines = text.split('\n');
  const columns = lines.map((line) => (DELIMITER_ROW.test(line) ? line.split('|').length : 0));
  const cells = lines.length * columns.reduce((widest, each) => Math.max(widest, each), 0);
  return cells <= MAX_CELLS && lines.every((line) => depthOf(line) <= MAX_DEPTH || RULE.test(line));
}

/** Number of quotes and lists that a line opens within each other, up to one more than {@link MAX_DEPTH}. */
function depthOf(line: string): number {
  MARKER.lastIndex = 0;
  let depth = 0;
  while (depth <= MAX_DEPTH && MARKER.test(line)) depth++;
  return depth;
}

/** Characters that the parser looks at in a paragraph; brackets and the like cost it less than delimiters of emphasis. */
function scanOf(paragraph: string): number {
  const delimiters = paragraph.match(/[*_~`]/g)?.length ?? 0;
  const others = paragraph.match(/[[\]!<@&\\]/g)?.length ?? 0;
  const words = paragraph.match(/[!-~]{50,}/g) ?? [];
  const inWords = words.reduce((sum, { length }) => sum + length ** 2 / 4, 0);
  return paragraph.length * (delimiters + others / 8) + inWords;
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
  const { boards } = useWords();
  const html = useMemo(() => htmlOf(text, boards.picture), [text, boards]);
  if (html === undefined) return <PlainText text={text} />;
  return (
    <ContentBoundary key={text} instead={<PlainText text={text} />}>
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
