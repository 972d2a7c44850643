// `npm run dev`: compiles server and page after each change of a file, and restarts the server.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

// dist/web is incomplete from now on, so that the next build (build-web.mjs) must not reuse it.
rmSync('dist/web/.made-of', { force: true });

const run = (args) => spawn(process.execPath, args, { stdio: 'inherit' });
const children = [
  run(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput']),
  run(['node_modules/vite/bin/vite.js', 'build', 'web', '--watch', '--logLevel', 'warn']),
  run(['--watch', 'dist/src/main.js']),
];
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => children.forEach((child) => child.kill(signal)));
}
