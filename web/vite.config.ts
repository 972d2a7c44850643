import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import { thirdPartyNotices } from './third-party-notices.js';

/** With it the page is built for a host of its own, and calls the API there; else for the backend that serves it. */
const apiUrl = process.env['VITE_API_URL'];
// Swagger UI's own files are the backend's, and so is its page.
const swaggerUi = join(import.meta.dirname, '../node_modules/swagger-ui-dist');
const pages = apiUrl === undefined ? ['index.html', 'docs/index.html'] : ['index.html'];

export default defineConfig({
  build: {
    outDir: '../dist/web',
    // `npm run dev` builds under a running server, which must find the page at any time.
    emptyOutDir: !process.argv.includes('--watch'),
    target: 'es2023',
    // The content security policy lets pictures be files.
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

/** Puts a compressed copy beside each text file, so that the server need not compress anything. */
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
