import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Step of a tutorial. */
export type Step =
  | { readonly kind: 'make'; readonly path: string; readonly text: string }
  | { readonly kind: 'change'; readonly path: string; readonly before: string; readonly after: string }
  | { readonly kind: 'run'; readonly command: string };

/** Returns the steps of a tutorial, in order. */
export function stepsOf(tutorial: string): Step[] {
  return [...tutorial.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, language, text = '']): Step[] => {
    if (language === 'sh')
      return text
        .trim()
        .split('\n')
        .map((command) => ({ kind: 'run', command }));
    if (language === 'diff') return changesIn(text);
    const [, path, body] = /^\/\/ (\S+)\n([^]*)$/.exec(text) ?? [];
    if (path === undefined || body === undefined) throw new Error(`a block does not name its file:\n${text}`);
    return [{ kind: 'make', path, text: body }];
  });
}

/** Returns the changes of a diff block: `@@ path @@`, then lines that stay (space), are added (+) or removed (-). */
function changesIn(diff: string): Step[] {
  const [none, ...hunks] = diff.split(/^@@ (\S+) @@\n/m);
  if (none !== '' || hunks.length === 0) throw new Error(`a change does not name its file:\n${diff}`);
  return hunks.flatMap((path, i): Step[] => {
    if (i % 2 === 1) return [];
    const lines = (hunks[i + 1] ?? '').split('\n').slice(0, -1);
    const without = (mark: string) =>
      lines
        .filter((line) => !line.startsWith(mark))
        .map((line) => `${line.slice(1)}\n`)
        .join('');
    return [{ kind: 'change', path, before: without('+'), after: without('-') }];
  });
}

/** Writes or changes the file of a step. The shown lines must occur in the file exactly once, as whole lines. */
export function follow(step: Exclude<Step, { kind: 'run' }>, folder: string): void {
  const file = join(folder, step.path);
  if (step.kind === 'make') {
    if (existsSync(file)) throw new Error(`${step.path} is there already`);
    mkdirSync(dirname(file), { recursive: true });
    return writeFileSync(file, step.text);
  }
  const [start, end, ...more] = `\n${readFileSync(file, 'utf8')}`.split(`\n${step.before}`);
  if (start === undefined || end === undefined || more.length > 0)
    throw new Error(`${step.path} does not have these lines once:\n${step.before}`);
  writeFileSync(file, `${start}\n${step.after}${end}`.slice(1));
}

/** Generated and local files. */
const NOT_COPIED = /^(\.git|\.env|node_modules|dist|data|coverage|.*\.log)$/;

/** Copies the repository as after cloning and installing. The caller removes the copy. */
export function cloneRepository(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daemun-clone-')));
  cpSync('.', folder, { recursive: true, filter: (path) => !NOT_COPIED.test(basename(path)) });
  symlinkSync(realpathSync('node_modules'), join(folder, 'node_modules'));
  return folder;
}
