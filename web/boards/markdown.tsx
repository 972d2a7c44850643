import { useMemo } from 'react';
import DOMPurify from 'dompurify';
import { Lexer, Marked, type Token, type Tokens, type TokensList } from 'marked';
import { ContentBoundary } from '../ui/error-boundary.js';
import { mayShowPicture } from '../ui/pictures.js';
import { useWords } from '../i18n/language.js';
import './markdown.css';

const marked = new Marked({
  gfm: true,
  // A single line break is shown as such.
  breaks: true,
  async: false,
  // HTML is shown as text.
  renderer: {
    html: ({ text }) => escape(text),
    // A character instead of an input element.
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});
const purify = DOMPurify();

/** Elements of Markdown. No form, style or script is among them. */
const ALLOWED_TAGS =
  'a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i img li ol p pre strong table tbody td th thead tr ul'.split(
    ' ',
  );
const ALLOWED_ATTR = ['href', 'src', 'alt', 'title', 'start', 'align'];
const ALLOWED_URI_REGEXP = /^(?:https?:|mailto:|\/(?!\/)|#)/i;

/** Relation of links in posts, for which this site does not vouch. */
const UNTRUSTED = 'nofollow ugc noopener noreferrer';

purify.addHook('afterSanitizeAttributes', (element) => {
  if (element.tagName === 'A') {
    element.setAttribute('rel', UNTRUSTED);
  } else if (/^H[1-6]$/.test(element.tagName)) {
    // Headings of a post are below the heading of the page.
    element.setAttribute('role', 'heading');
    element.setAttribute('aria-level', String(Math.min(6, Number(element.tagName[1]) + 1)));
  } else if (element.tagName === 'PRE' || element.tagName === 'TABLE') {
    // Makes a wide element scrollable with the keyboard.
    element.setAttribute('tabindex', '0');
  }
});

/** Origins to which the browser sends the reader's cookies. A post must not cause requests to them. */
const OURS = [location.origin, new URL(import.meta.env.VITE_API_URL ?? '', location.href).origin];

/** Returns the text for a picture that is not shown. */
type NamePicture = (alt: string, host: string) => string;

/**
 * Replaces pictures of hosts that are not allowed by links. A picture of our own origins, or within a link, is
 * replaced by its text.
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

/** Nesting of blocks or emphasis. Browsers lay out deep trees in quadratic time. */
const MAX_DEPTH = 20;
/** Tokens of a text. */
const MAX_TOKENS = 6_000;
/** Table cells, as if every line belonged to the widest table: the parser fills up short rows. */
const MAX_CELLS = 50_000;
/**
 * Characters read by the parser within paragraphs. It reads the rest of the paragraph at each delimiter, and the rest
 * of a word at each of its characters.
 */
const MAX_SCAN = 2_000_000;

/** Marker of a quote or a list item at the beginning of a line. */
const MARKER = /[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$))/y;
/** Thematic break, which looks like many list markers. */
const RULE = /^ {0,3}([-_*])[ \t]*(?:\1[ \t]*){2,}$/;
/** Line below the header of a table. */
const DELIMITER_ROW = /^[ \t>]*[|:-][-|: \t]*$/;

/** Converts Markdown to HTML without script, style or form. Returns undefined for a text beyond the limits above. */
function htmlOf(text: string, namePicture: NamePicture): string | undefined {
  try {
    const tokens = tokensOf(text.replace(/\r\n?/g, '\n'));
    if (tokens === undefined) return undefined;
    // A template element loads no resources.
    const template = document.createElement('template');
    template.innerHTML = purify.sanitize(marked.parser(tokens), {
      ALLOWED_TAGS,
      ALLOWED_ATTR,
      ALLOWED_URI_REGEXP,
    });
    replacePictures(template.content, namePicture);
    return template.innerHTML;
  } catch (error) {
    // The parser is recursive.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Parses Markdown; returns undefined for a text beyond the limits. */
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

/** Returns true if the parser finds the blocks in linear time without deep recursion. */
function isParsable(text: string): boolean {
  if (/[ \t]{500}/.test(text)) return false;
  const lines = text.split('\n');
  const columns = lines.map((line) => (DELIMITER_ROW.test(line) ? line.split('|').length : 0));
  const cells = lines.length * columns.reduce((widest, each) => Math.max(widest, each), 0);
  return cells <= MAX_CELLS && lines.every((line) => depthOf(line) <= MAX_DEPTH || RULE.test(line));
}

/** Returns the number of nested quotes and lists that a line opens, at most {@link MAX_DEPTH} + 1. */
function depthOf(line: string): number {
  MARKER.lastIndex = 0;
  let depth = 0;
  while (depth <= MAX_DEPTH && MARKER.test(line)) depth++;
  return depth;
}

/** Returns the estimated number of characters that the parser reads in a paragraph. */
function scanOf(paragraph: string): number {
  const delimiters = paragraph.match(/[*_~`]/g)?.length ?? 0;
  const others = paragraph.match(/[[\]!<@&\\]/g)?.length ?? 0;
  const words = paragraph.match(/[!-~]{50,}/g) ?? [];
  const inWords = words.reduce((sum, { length }) => sum + length ** 2 / 4, 0);
  return paragraph.length * (delimiters + others / 8) + inWords;
}

/** Returns true if a tree of tokens is within the limits. Not recursive. */
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

/** Renders Markdown; plain text if the text is beyond the limits or rendering fails. */
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
