import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROVIDER_NAMES } from '../../sandbox/accounts.js';
import { FAULT_KINDS } from '../../sandbox/faults/send.js';
import { listPersonas } from '../../sandbox/personas.js';

const read = (path: string) => readFileSync(path, 'utf8');
const filesIn = (folder: string, end: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => end.test(file))
    .map((file) => join(folder, file));

/** Documents that people write. */
const documents = [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  ...['docs', 'bench', 'client', 'sandbox', 'test', 'web'].flatMap((folder) => filesIn(folder, /\.md$/)),
].filter((file) => file !== 'docs/promises.md' && !file.includes('node_modules'));
/** All code of the repository, as one text. */
const source = [
  '.env.example',
  'package.json',
  ...['src', 'scripts', 'sandbox', 'web', 'client/src', 'test/support', 'test/database', 'bench'].flatMap(
    (folder) => filesIn(folder, /\.(ts|tsx|mjs|sh)$/),
  ),
]
  .map(read)
  .join('\n');
/** Files of the tutorial that its reader makes. */
const made = [...read('docs/add-a-module.md').matchAll(/^\/\/ (\S+)$/gm)].map(([, file = '']) => file);

describe.each(documents)('%s', (document) => {
  const text = read(document);

  it('links to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const broken = links.filter(([, path = '', heading]) => {
      const file = path === '' ? document : join(dirname(document), path);
      return !existsSync(file) || (heading !== undefined && !headingsOf(read(file)).includes(heading));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('names files that exist', () => {
    const paths = [
      ...text.matchAll(/`((?:src|test|web|client|sandbox|scripts|bench|docs)\/[\w./-]*\w\/?)`/g),
    ].map(([, path = '']) => path);
    const missing = paths.filter(
      (path) => !existsSync(path) && !made.some((file) => file.startsWith(path)) && !path.startsWith('dist/'),
    );
    expect(missing).toEqual([]);
  });

  it('names constants and settings that the source has', () => {
    const names = [...text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map(
      ([, name = '']) => name,
    );
    expect(names.filter((name) => !source.includes(name))).toEqual([]);
  });
});

describe('sandbox/README.md', () => {
  const rows = read('sandbox/README.md').match(/^\| `.*\|$/gm) ?? [];
  const codes = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

  it('has every kind of fault, and no other', () => {
    const faults = rows
      .filter((row) => /\| (yes|no) \|$/.test(row))
      .flatMap((row) => codes(row.split('|')[1]));
    expect(faults.toSorted()).toEqual([...FAULT_KINDS].toSorted());
  });

  it.each(PROVIDER_NAMES)('has every persona of %s, and no other', (provider) => {
    const column = 2 + ['google', 'kakao', 'naver'].indexOf(provider);
    const named = rows
      .map((row) => row.split(/ *\| */))
      .filter((cells) => cells.length === 7 && cells[column] === 'yes')
      .flatMap((cells) => codes(cells[1]));
    expect(named.toSorted()).toEqual(
      listPersonas(provider)
        .map(({ id }) => id)
        .toSorted(),
    );
  });
});

describe('docs/operations.md', () => {
  it('has every metric, and no other', () => {
    const named = [...read('docs/operations.md').matchAll(/^\| `(daemun_[a-z_]+)` \|/gm)].map(
      ([, name = '']) => name,
    );
    const metrics = [...source.matchAll(/'(daemun_[a-z_]*[a-z])'/g)].map(([, name = '']) => name);
    expect(named.toSorted()).toEqual(metrics.toSorted());
  });
});

/** Identifiers of headings as GitHub makes them. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
