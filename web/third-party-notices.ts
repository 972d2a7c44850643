import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

/** Path of the notices in the build. */
const NOTICES = 'assets/third-party-notices.txt';

/** Choices for packages with several licences. */
const CHOSEN: Readonly<Record<string, string>> = { '(MPL-2.0 OR Apache-2.0)': 'Apache-2.0' };

/** Texts of licences for packages without a licence file. */
const TEXTS: Readonly<Record<string, string>> = {
  Unlicense: `This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute this software, either in source code form or as a
compiled binary, for any purpose, commercial or non-commercial, and by any means.

In jurisdictions that recognize copyright laws, the author or authors of this software dedicate any and all copyright
interest in the software to the public domain. We make this dedication for the benefit of the public at large and to the
detriment of our heirs and successors. We intend this dedication to be an overt act of relinquishment in perpetuity of all
present and future rights to this software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org/>`,
};

/** Names of licence and notice files in a package. */
const NOTICE_FILES = /^(licen[cs]e|copying|notice)(\.(txt|md))?$|-bundle\.js\.LICENSE\.txt$/i;

/**
 * Writes the notices of every package whose modules are in the bundle, and names that file at the top of each script.
 * @param served folders of packages whose files are served as they are
 * @throws {Error} where a package has no licence text
 */
export function thirdPartyNotices(served: readonly string[]): Plugin {
  return {
    name: 'third-party-notices',
    apply: 'build',
    outputOptions: (options) => ({ ...options, postBanner: `/*! Third-party notices: /${NOTICES} */` }),
    generateBundle(_options, bundle) {
      const folders = new Set(served);
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk') continue;
        for (const id of file.moduleIds) if (id.includes('/node_modules/')) folders.add(packageOf(id));
      }
      const notices = [...folders].map(noticeOf).toSorted();
      this.emitFile({
        type: 'asset',
        fileName: NOTICES,
        source: `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`,
      });
    },
  };
}

/** Returns the folder of the package of a module. */
function packageOf(moduleId: string): string {
  let folder = dirname(moduleId);
  while (!existsSync(join(folder, 'package.json')) || manifestOf(folder).name === undefined)
    folder = dirname(folder);
  return folder;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function noticeOf(folder: string): string {
  const { name = '', version, license = '' } = manifestOf(folder);
  const chosen = CHOSEN[license] ?? license;
  const texts = readdirSync(folder)
    .filter((file) => NOTICE_FILES.test(file))
    .toSorted()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length === 0) texts.push(TEXTS[chosen] ?? missing(name));
  const under = chosen === license ? license : `${chosen}, chosen from ${license}`;
  return [`${name} ${version} (${under})`, ...texts].join('\n\n');
}

function missing(name: string): never {
  throw new Error(`${name} has no licence text`);
}
