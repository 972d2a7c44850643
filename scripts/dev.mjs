// `npm run dev`: compiles server and page as you type, and restarts the server with what came out.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

// What is in dist/web from now on is whatever was typed last: the next build makes it anew (build-web.mjs).
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
