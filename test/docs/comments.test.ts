import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** A comment, with its file and line. */
interface Comment {
  readonly at: string;
  readonly text: string;
}

const QUESTION_WORD =
  /^(What|Whatever|Who|Whoever|Whom|Whose|Whether|How|Those|Where|Wherever|When|Whenever|Which)\b/;

const CODE = /\.(ts|tsx|mjs|css)$/;
const IGNORED = /(^|\/)(node_modules|dist|mutants)\//;

/** Returns the files with code in folders of the repository. */
function codeIn(...folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
    )
    .filter((path) => CODE.test(path) && !IGNORED.test(path));
}

/** Returns the comments of a text: blocks, and consecutive lines with `//` as one comment. */
function commentsIn(file: string, text: string): Comment[] {
  const pattern = /\/\*(?!\*?\/)[\s\S]*?\*\/|(?:(?:^|(?<=\s))\/\/ .*(?:\n[ \t]*(?=\/\/ )|$))+/gm;
  return [...text.matchAll(pattern)].map((match) => ({
    at: `${file}:${text.slice(0, match.index).split('\n').length}`,
    text: match[0].replaceAll(/^[ \t]*(?:\/\*\*?|\*\/?|\/\/)[ \t]?|\*\/$/gm, ''),
  }));
}

function isDocComment({ at }: Comment, sources: ReadonlyMap<string, string>): boolean {
  const [, file = '', line = ''] = /^(.*):(\d+)$/.exec(at) ?? [];
  return sources.get(file)?.split('\n')[Number(line) - 1]?.includes('/**') === true;
}

const read = (files: readonly string[]): ReadonlyMap<string, string> =>
  new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
const allComments = (sources: ReadonlyMap<string, string>): Comment[] =>
  [...sources].flatMap(([file, text]) => commentsIn(file, text));

/** Returns the names in a comment for which no file exists: documents and test paths from the root, sources by their end. */
function missingFiles({ text }: Comment, files: readonly string[]): string[] {
  const local = text.replaceAll(/\w+:\/\/\S+/g, '');
  const documents = local.match(/(?<![\w./-])[\w.-][\w./-]*\.md\b/g) ?? [];
  const tests = local.match(/(?<![\w./-])test\/[\w/-]+(?:\.[a-z]+)*/g) ?? [];
  const sources = local.match(/(?<![\w./…<>*-])(?!test\/)[a-z][\w./-]*\.(?:tsx?|mjs)\b/g) ?? [];
  return [
    ...[...documents, ...tests].filter((name) => !existsSync(name)),
    ...sources.filter((name) => !files.some((file) => `/${file}`.endsWith(`/${name}`))),
  ];
}

/** Returns the sections in a comment, written as `docs/x.md, “Heading”`, that their document does not have. */
function missingSections({ text }: Comment): string[] {
  const references = text.replaceAll(/\s+/g, ' ').matchAll(/([\w./-]+\.md), “([^”]+)”/g);
  return [...references]
    .filter(([, document = '', heading = '']) => {
      const lines = existsSync(document) ? readFileSync(document, 'utf8').split('\n') : [];
      return !lines.some((line) => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
    })
    .map(([reference]) => reference);
}

describe('doc comments', () => {
  it('start with a noun or a verb, not with a question word', () => {
    const sources = read(codeIn('src', 'web', 'client', 'sandbox'));
    const comments = allComments(sources).filter((comment) => isDocComment(comment, sources));
    expect(comments.length).toBeGreaterThan(500);
    const questions = comments.filter(({ text }) => QUESTION_WORD.test(text.trim()));
    expect(questions.map(({ at, text }) => `${at} ${text.trim().split('\n', 1)[0]}`)).toEqual([]);
  });

  it.each(['What a page shows.', 'Whether it is open.', 'Those of one account.'])(
    'with the text “%s” would be found',
    (text) => {
      const source = `/**\n * ${text}\n */\nlet a; /** ${text} */ let b;\n`;
      const comments = commentsIn('a.ts', source);
      expect(comments.map((comment) => comment.text.trim())).toEqual([text, text]);
      expect(comments.every((comment) => isDocComment(comment, new Map([['a.ts', source]])))).toBe(true);
      expect(QUESTION_WORD.test(text)).toBe(true);
    },
  );
});

describe('references in comments', () => {
  const files = codeIn('.');
  const comments = allComments(
    read(codeIn('src', 'web', 'client', 'sandbox', 'test', 'bench', 'scripts')),
  ).filter(({ at }) => !at.startsWith('test/docs/comments.test.ts'));

  it('name documents, tests and sources that exist', () => {
    const missing = comments.flatMap((comment) =>
      missingFiles(comment, files).map((name) => `${comment.at} ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('name sections that exist', () => {
    expect(
      comments.flatMap((comment) => missingSections(comment).map((name) => `${comment.at} ${name}`)),
    ).toEqual([]);
  });

  it('would be found if their target did not exist', () => {
    const [comment = { at: '', text: '' }] = commentsIn(
      'a.ts',
      '// See refresh.md, test/nowhere.test.ts and nowhere/file.ts, or https://example.com/a.md;\n// docs/refresh.md, “Nowhere”\n',
    );
    expect(missingFiles(comment, files)).toEqual(['refresh.md', 'test/nowhere.test.ts', 'nowhere/file.ts']);
    expect(missingSections(comment)).toEqual(['docs/refresh.md, “Nowhere”']);
  });
});
