// Bundles the client as one minified module, as the build of a page would. Writes the module to stdout, and its size to stderr.
// Usage: node scripts/bundle-client.mjs
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const bundle = await build({
  configFile: false,
  root: 'client',
  logLevel: 'error',
  build: {
    write: false,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: { input: 'src/index.ts', preserveEntrySignatures: 'strict' },
  },
});
const { code } = bundle.output[0];
process.stdout.write(code);
console.error(`${code.length} bytes, ${gzipSync(code, { level: 9 }).length} of them gzipped`);
