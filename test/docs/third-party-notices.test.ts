import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/fixtures/app.js';

/** Prints the modules in the page. */
const LIST_MODULES = `
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  const { output } = await build({ root: 'web', configFile: 'web/vite.config.ts', logLevel: 'error', build: { write: false } });
  console.log(JSON.stringify(output.flatMap(({ moduleIds = [] }) => moduleIds)));
`;

let app: TestApp;
let notices: string;
let modules: string[];
beforeAll(async () => {
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', LIST_MODULES], {
    encoding: 'utf8',
  });
  modules = JSON.parse(printed) as string[];
  app = await startApp();
  const response = await fetch(`${app.url}/assets/third-party-notices.txt`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
  notices = await response.text();
});
afterAll(() => app.stop());

/** Returns the names of the packages of the modules. */
const packagesOf = (ids: readonly string[]) =>
  new Set(ids.flatMap((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []));

it('the page contains the name, version and licence of every bundled package', () => {
  const packages = [...packagesOf(modules)];
  expect(packages).toEqual(expect.arrayContaining(['dompurify', 'marked', 'react', 'react-dom', 'wouter']));
  for (const name of packages) {
    const folder = `node_modules/${name}`;
    const { version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { version: string };
    expect(notices).toContain(`${name} ${version} (`);
    const file = readdirSync(folder).find((each) => /^licen[cs]e(\.(md|txt))?$/i.test(each));
    const text =
      file === undefined
        ? 'This is free and unencumbered software'
        : readFileSync(`${folder}/${file}`, 'utf8');
    expect(notices).toContain(text.trim());
  }
});

it('the page uses DOMPurify under the Apache License', () => {
  expect(notices).toMatch(/^dompurify [\d.]+ \(Apache-2\.0, chosen from /m);
  const [section] = /^dompurify [^]*?^-{80}$/m.exec(notices) ?? [];
  expect(section).toContain('Apache License');
  expect(section).not.toContain('Mozilla Public License');
});

it('Swagger UI has its licence, its notice and the notices of its packages', async () => {
  for (const file of ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt']) {
    expect(notices).toContain(readFileSync(`node_modules/swagger-ui-dist/${file}`, 'utf8').trim());
  }
  expect((await fetch(`${app.url}/docs/swagger-ui-bundle.js.LICENSE.txt`)).status).toBe(200);
});

it('each script of the page links to the notices', async () => {
  const html = await (await fetch(app.url)).text();
  const scripts = Array.from(html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g), ([, file]) => file);
  expect(scripts).not.toHaveLength(0);
  for (const script of scripts) {
    expect(await (await fetch(`${app.url}${script}`)).text()).toMatch(
      /^\/\*! Third-party notices: \/assets\/third-party-notices\.txt \*\//,
    );
  }
});

it('the browser client contains only its own modules', () => {
  const { dependencies = {} } = JSON.parse(readFileSync('client/package.json', 'utf8')) as {
    dependencies?: object;
  };
  const imported = readdirSync('client/src').flatMap((file) =>
    Array.from(readFileSync(`client/src/${file}`, 'utf8').matchAll(/from '([^']+)'/g), ([, from]) => from),
  );
  expect([dependencies, imported.filter((from) => !from?.startsWith('./'))]).toEqual([{}, []]);
});
