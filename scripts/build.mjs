// `npm run build`: the server into dist/, and at the same time the web page into dist/web.
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
