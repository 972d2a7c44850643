// The browser package as one minified module on standard output, as a page's own build would make it, and its size on the
// other. Usage: node scripts/bundle-client.mjs
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const made = await build({
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
const { code } = made.output[0];
process.stdout.write(code);
console.error(`${code.length} bytes, ${gzipSync(code, { level: 9 }).length} of them gzipped`);
