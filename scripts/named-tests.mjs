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
      leftOut ||= words.some((word) => /^(skip|todo|failing|x(it|test|describe))$/.test(word));
      if (/^(x?it|x?test)$/.test(words[0] ?? '')) {
        const title = titleOf(node.arguments[0]?.expression);
        if (title !== undefined) found.push({ title, leftOut });
      }
      if (words.includes('only')) throw new Error(`${file} leaves out all tests but one`);
    }
    return Object.values(node).forEach((each) => visit(each, leftOut));
  };
  visit(parseSync(readFileSync(file, 'utf8'), { syntax: 'typescript', decorators: true }).body, false);
  return found;
}

/** Returns a pattern for the titles of a parametrised test in a run. Placeholders match any text. */
export function asRun(title) {
  const parts = title.split(/%(?:\.\d+)?[a-z#]|\$\{[^}]*\}|\$[a-z]\w*/i);
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's');
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
