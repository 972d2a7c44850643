// Builds the web page into dist/web, unless what is there was made of the very same files. Usage: node scripts/build-web.mjs
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TARGET = 'dist/web';
/** Says what the page was made of; not served. */
const STAMP = '.made-of';

const madeOf = digestOfSources();
const stamp = join(TARGET, STAMP);
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== madeOf) await build();

/** Elsewhere first: whoever serves or tests the page meanwhile never sees half of it. */
async function build() {
  // Whoever calls may be a test run; React has a build for development that is three times as large.
  process.env.NODE_ENV = 'production';
  const { build: viteBuild } = await import('vite');
  const fresh = `${TARGET}-${process.pid}`;
  await viteBuild({
    root: 'web',
    configFile: 'web/vite.config.ts',
    logLevel: 'warn',
    build: { outDir: join('..', fresh) },
  });
  writeFileSync(join(fresh, STAMP), madeOf);
  rmSync(TARGET, { recursive: true, force: true });
  mkdirSync('dist', { recursive: true });
  try {
    renameSync(fresh, TARGET);
  } catch {
    // Another build was faster; its page is as good.
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Everything that the page is made of, and with. */
function digestOfSources() {
  const files = ['web', 'client/src']
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name)),
    );
  const hash = createHash('sha256').update(process.env.VITE_API_URL ?? '');
  for (const file of ['package-lock.json', ...files.toSorted()]) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}
