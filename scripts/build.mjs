// `npm run build`: builds the server into dist/ and the web page into dist/web, in parallel.
import { spawn } from 'node:child_process';

const run = (...args) =>
  new Promise((resolve) => {
    spawn(process.execPath, args, { stdio: 'inherit' }).on('exit', (code) => resolve(code ?? 1));
  });
const codes = await Promise.all([
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'),
  run('scripts/build-web.mjs'),
]);
process.exitCode = codes.find((code) => code !== 0) ?? 0;
