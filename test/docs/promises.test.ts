import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { titlesIn } from '../../scripts/named-tests.mjs';
import { promises } from '../../scripts/promises.mjs';

const FILE = 'docs/promises.md';

it(`${FILE} has the title of every test; if this fails, run: npm run promises`, () => {
  expect(readFileSync(FILE, 'utf8')).toBe(promises());
});

it('the titles of a file are read with their groups, without skipped tests', () => {
  expect(titlesIn('test/support/left-out.example.ts')).toEqual([
    { title: 'a group', tests: [{ title: 'runs' }, { title: 'runs for %s' }] },
  ]);
});
