import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import { thirdPartyNotices } from './third-party-notices.js';

/** Base URL of the API for a page on a host of its own; unset if the backend serves the page. */
const apiUrl = process.env['VITE_API_URL'];
// The backend serves Swagger UI, and so the page around it.
const swaggerUi = join(import.meta.dirname, '../node_modules/swagger-ui-dist');
const pages = apiUrl === undefined ? ['index.html', 'docs/index.html'] : ['index.html'];

export default defineConfig({
  build: {
    outDir: '../dist/web',
    // `npm run dev` builds while the server serves the page.
    emptyOutDir: !process.argv.includes('--watch'),
    target: 'es2023',
    // The content security policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: pages.map((page) => join(import.meta.dirname, page)),
      // Plug-in timings appear at every start of a busy machine. "use client" of a package has no meaning in this bundle.
      checks: { pluginTimings: false, moduleLevelDirective: false },
    },
  },
  plugins: [thirdPartyNotices(apiUrl === undefined ? [swaggerUi] : []), compressed()],
});

/** Adds a gzip copy of each text file, so that the server compresses nothing. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    generateBundle(_options, bundle) {
      for (const [fileName, file] of Object.entries(bundle)) {
        if (!/\.(js|css|svg)$/.test(fileName)) continue;
        const source = gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 });
        this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source });
      }
    },
  };
}
