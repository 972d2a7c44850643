import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const rows = readFileSync('docs/security.md', 'utf8')
  .split('\n')
  .flatMap((line) => /^\| (V\d+\.\d+\.\d+) +\| (L[123]) +\| .+? +\| (.+?) +\|$/.exec(line)?.slice(1) ?? [])
  .reduce<{ id: string; level: string; proof: string }[]>((all, cell, i, cells) => {
    if (i % 3 === 0) all.push({ id: cell, level: cells[i + 1] ?? '', proof: cells[i + 2] ?? '' });
    return all;
  }, []);
const citations = rows.flatMap(({ id, proof }) =>
  [...proof.matchAll(/`(test\/[\w-]+\.test\.ts)` “([^”]+)”/g)].map(([, file = '', title = '']) => ({
    id,
    file,
    title,
  })),
);

describe('the table of docs/security.md', () => {
  it('has every requirement of levels 1 and 2 once', () => {
    const ids = rows.filter(({ level }) => level !== 'L3').map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(203);
  });

  it('says of each what proves it, or why nothing does', () => {
    expect(rows.filter(({ proof }) => proof.trim().length < 10)).toEqual([]);
  });

  it.each(citations)('$id names a test that exists and is not skipped: $title', ({ file, title }) => {
    expect(existsSync(file)).toBe(true);
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((text) => text.includes(title));
    expect(line).toBeDefined();
    expect(line).not.toMatch(/\.skip|xit\(|todo/);
  });
});
