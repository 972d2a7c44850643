// Builds the web page into dist/web, unless it is up to date. Usage: node scripts/build-web.mjs
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TARGET = 'dist/web';
/** File with the digest of the sources; not served. */
const STAMP = '.made-of';

const digest = digestOfSources();
const stamp = join(TARGET, STAMP);
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) await build();

/** Builds into another folder, and renames it, so that a server or a test never sees a partial build. */
async function build() {
  // A test run sets NODE_ENV=test, for which React's build would be three times as large.
  process.env.NODE_ENV = 'production';
  const { build: viteBuild } = await import('vite');
  const fresh = `${TARGET}-${process.pid}`;
  await viteBuild({
    root: 'web',
    configFile: 'web/vite.config.ts',
    logLevel: 'warn',
    build: { outDir: join('..', fresh) },
  });
  writeFileSync(join(fresh, STAMP), digest);
  rmSync(TARGET, { recursive: true, force: true });
  mkdirSync('dist', { recursive: true });
  try {
    renameSync(fresh, TARGET);
  } catch {
    // A concurrent build has already written the same page.
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Returns the digest of the sources and of the build's packages. */
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
