// The tests that docs/security.md names, and those that there are. Used by the check of a run, and by a test.
import { readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';

/** `test/….test.ts` “title”, the title as it is written in the file. */
export function namedTests(text) {
  return [...text.matchAll(/`(test\/[\w/-]+\.test\.ts)` “([^”]+)”/g)].map(([, file, title]) => ({
    file,
    title,
  }));
}

/** Every test of a file with its title as it is written there, and whether it, or a group around it, is left out. */
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

/** What a run calls a test whose title is written like this: places that are filled in may be anything. */
export function asRun(title) {
  const parts = title.split(/%(?:\.\d+)?[a-z#]|\$\{[^}]*\}|\$[a-z]\w*/i);
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's');
}

/** `it.each(…)` is [it, each]. */
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
