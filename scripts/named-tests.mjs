// Tests that docs/security.md cites, and tests of a file.
import { readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';

/** Returns the citations of the form: `test/….test.ts` “title”, with the title as written in the file. */
export function namedTests(text) {
  return [...text.matchAll(/`(test\/[\w/-]+\.test\.ts)` “([^”]+)”/g)].map(([, file, title]) => ({
    file,
    title,
  }));
}

/** Returns all tests of a file with their titles as written; `leftOut` is true for skipped tests, and tests of skipped groups. */
export function testsIn(file) {
  const found = [];
  const visit = (node, left) => {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, left));
    if (typeof node !== 'object' || node === null) return undefined;
    let leftOut = left;
    if (node.type === 'CallExpression') {
      const words = wordsOf(node.callee);
      leftOut ||= isLeftOut(words);
      if (/^(x?it|x?test)$/.test(words[0] ?? '')) {
        const title = titleOf(node.arguments[0]?.expression);
        if (title !== undefined) found.push({ title, leftOut });
      }
      if (words.includes('only')) throw new Error(`${file} leaves out all tests but one`);
    }
    return Object.values(node).forEach((each) => visit(each, leftOut));
  };
  visit(parse(file), false);
  return found;
}

/**
 * The titles of a file's tests as they are written there, within those of their groups: `{ title, tests }[]`, where a test has
 * no `tests`. A group is a call whose name begins with `describe` or `onEach`. Its title is its last text: in
 * `describeWith('postgres', 'title', …)` the first one is not. A group without a text is passed over, not its tests;
 * tests that are skipped are left out.
 */
export function titlesIn(file) {
  const visit = (node, into) => {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, into));
    if (typeof node !== 'object' || node === null) return undefined;
    let inner = into;
    if (node.type === 'CallExpression') {
      const words = wordsOf(node.callee);
      if (isLeftOut(words)) return undefined;
      const [name = ''] = words;
      const texts = node.arguments
        .map(({ expression }) => titleOf(expression))
        .filter((text) => text !== undefined);
      if (/^(it|test)$/.test(name) && texts.length > 0) into.push({ title: texts[0] });
      else if (/^(describe|onEach)/.test(name) && texts.length > 0) {
        inner = [];
        into.push({ title: texts.at(-1), tests: inner });
      }
    }
    return Object.values(node).forEach((each) => visit(each, inner));
  };
  const titles = [];
  visit(parse(file), titles);
  return titles;
}

/** Returns a pattern for the titles of a parametrised test in a run. Placeholders match any text. */
export function asRun(title) {
  const parts = title.split(/%(?:\.\d+)?[a-z#]|\$\{[^}]*\}|\$[a-z]\w*/i);
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's');
}

function isLeftOut(words) {
  return words.some((word) => /^(skip|todo|failing|x(it|test|describe))$/.test(word));
}

function parse(file) {
  return parseSync(readFileSync(file, 'utf8'), { syntax: 'typescript', decorators: true }).body;
}

/** Returns the names in a call: [it, each] for `it.each(…)`. */
function wordsOf(callee) {
  if (callee.type === 'Identifier') return [callee.value];
  if (callee.type === 'MemberExpression') return [...wordsOf(callee.object), callee.property.value];
  if (callee.type === 'CallExpression') return wordsOf(callee.callee);
  return [];
}

function titleOf(node) {
  if (node?.type === 'StringLiteral') return node.value;
  if (node?.type !== 'TemplateLiteral') return undefined;
  return node.quasis.map(({ cooked }) => cooked).join('${}');
}
